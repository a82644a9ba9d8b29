import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const godwit = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Outcome> } {
  const child = spawn(process.execPath, [godwit, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]): Outcome => ({ code, stdout, stderr }));
  return { child, ended };
}

const run = (...args: string[]) => start(args).ended;

/** A machine that answers. */
async function startMachine(name: string, ...args: string[]) {
  const socket = join(folder, name);
  const machine = start(['machine', '-m', '16', '-qmp', `unix:${socket},server=on,wait=off`, ...args]);
  while (!existsSync(socket)) await new Promise((resolve) => setTimeout(resolve, 10));
  return { ...machine, socket };
}

test('qmp prints the reply, and the events that came meanwhile on standard error', async () => {
  const { socket, ended } = await startMachine('a', '-name', 'vm1');
  const name = await run('qmp', socket, 'query-name');
  assert.deepEqual(name, { code: 0, stdout: '{\n    "name": "vm1"\n}\n', stderr: '' });
  const stop = await run('qmp', `unix:${socket}`, 'stop');
  assert.equal(stop.code, 0);
  assert.match(stop.stderr, /^\{"timestamp": \{"seconds": \d+, "microseconds": \d+\}, "event": "STOP"\}\n$/);
  const wrong = await run('qmp', socket, 'qom-get', '{"path": "/machine"}');
  assert.deepEqual(wrong, {
    code: 1,
    stdout: '',
    stderr: "godwit qmp: GenericError: Parameter 'property' is missing\n",
  });
  assert.equal((await run('qmp', socket, 'stop', '[1]')).code, 1);
  assert.equal((await run('qmp', socket, 'quit')).code, 0);
  assert.equal((await ended).code, 0);
  assert.deepEqual(readdirSync(folder), []);
});

test('qmp says that nobody is there', async () => {
  const { code, stderr } = await run('qmp', join(folder, 'nobody'), 'query-name');
  assert.equal(code, 1);
  assert.match(stderr, /^godwit qmp: cannot connect to unix:.*nobody: .+\n$/);
});

test('a machine leaves on SIGTERM and removes its sockets', async () => {
  const { child, ended } = await startMachine('b', '-pidfile', join(folder, 'pid'));
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.deepEqual(readdirSync(folder), []);
});

test('options that are wrong are one line and exit code 1', async () => {
  const wrong = [
    [['-foo'], '-foo: invalid option'],
    [['-m'], '-m: requires an argument'],
    [['-name', 'a,b=c'], "-name a,b=c: Invalid parameter 'b'"],
    [['-device', 'foo'], "-device foo: 'foo' is not a valid device model name"],
    [['-incoming', 'foo'], '-incoming foo: unknown migration protocol: foo'],
  ] as const;
  const outcomes = await Promise.all(wrong.map(([args]) => run('machine', ...args)));
  assert.deepEqual(
    outcomes,
    wrong.map(([, line]) => ({ code: 1, stdout: '', stderr: `godwit machine: ${line}\n` })),
  );
});
