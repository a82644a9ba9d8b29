import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { native } from '@godwit/native';
import { connectedTransport, QmpClient } from '@godwit/qmp';

const godwit = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
// A test that fails leaves its machine running, and the file would never end.
const children = new Set<ChildProcess>();
after(() => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param descriptors what the process inherits, from descriptor 3 on */
function start(
  args: readonly string[],
  descriptors: readonly number[] = [],
): { child: ChildProcess; ended: Promise<Outcome> } {
  const child = spawn(process.execPath, [godwit, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(([code]): Outcome => {
    children.delete(child);
    return { code, stdout, stderr };
  });
  return { child, ended };
}

const run = (...args: string[]) => start(args).ended;

/** A machine that answers. */
async function startMachine(name: string, args: readonly string[] = [], descriptors: readonly number[] = []) {
  const socket = join(folder, name);
  const own = ['machine', '-m', '16', '-qmp', `unix:${socket},server=on,wait=off`];
  const machine = start([...own, ...args], descriptors);
  let outcome: Outcome | undefined;
  void machine.ended.then((ended) => {
    outcome = ended;
  });
  while (!existsSync(socket)) {
    assert.equal(outcome, undefined, 'the machine ends before it listens');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { ...machine, socket };
}

test('qmp prints the reply, and the events that came meanwhile on standard error', async () => {
  const { socket, ended } = await startMachine('a', ['-name', 'vm1']);
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
  assert.equal((await run('qmp', socket, 'stop', '[1]')).code, 2);
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
  const { child, ended } = await startMachine('b', ['-pidfile', join(folder, 'pid')]);
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.deepEqual(readdirSync(folder), []);
});

test('monitors are at sockets that the process inherits, one that listens and one that is connected', {
  skip: native === undefined ? 'the addon is not there' : false,
}, async () => {
  const before = readdirSync('/proc/self/fd').length;
  const path = join(folder, 'inherited');
  const listening = native!.listenUnix(path, 8);
  const [ours, theirs] = native!.socketpair();
  const { ended } = start(
    [
      ...['machine', '-m', '16', '-chardev', 'socket,id=a,fd=3,server=on,wait=off'],
      ...['-chardev', 'socket,id=b,fd=4', '-mon', 'a,mode=control', '-mon', 'b,mode=control'],
    ],
    [listening, theirs],
  );
  native!.close(listening);
  native!.close(theirs);
  const first = await QmpClient.connect({ kind: 'unix', path }, { native });
  const second = await QmpClient.connect(connectedTransport(ours, native), { native });
  for (const client of [first, second]) {
    const [passed, other] = native!.socketpair();
    await client.execute('getfd', { fdname: 'passed' }, { fds: [{ fd: passed, handOver: true }] });
    await client.execute('closefd', { fdname: 'passed' });
    native!.close(other);
  }
  await first.close();
  const again = await QmpClient.connect({ kind: 'unix', path }, { native });
  await again.execute('quit');
  assert.equal((await ended).code, 0);
  await Promise.all([again.close(), second.close()]);
  assert.equal(readdirSync('/proc/self/fd').length, before);
  rmSync(path);
});

test('descriptors that are no sockets are said to be none', async () => {
  const outcomes = await Promise.all(
    ['99', '0,server=on,wait=off', 'nonsense'].map((fd) =>
      run('machine', '-chardev', `socket,id=a,fd=${fd}`),
    ),
  );
  assert.deepEqual(
    outcomes.map(({ stderr }) => stderr.replace(/^godwit machine: (?:-chardev \S+: )?/, '')),
    [
      "File descriptor '99' is not a socket\n",
      "File descriptor '0' is not a socket\n",
      'Unable to parse FD number nonsense\n',
    ],
  );
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

test('descriptors that the process inherits are in the sets that -add-fd names', {
  skip: native === undefined ? 'the addon is not there' : false,
}, async () => {
  const [ours, theirs] = native!.socketpair();
  const { socket, ended } = await startMachine('sets', ['-add-fd', 'fd=3,set=7,opaque=mine'], [theirs]);
  native!.close(ours);
  native!.close(theirs);
  const { stdout } = await run('qmp', socket, 'query-fdsets');
  assert.deepEqual(JSON.parse(stdout), [{ 'fdset-id': 7, fds: [{ fd: 3, opaque: 'mine' }] }]);
  assert.equal((await run('qmp', socket, 'quit')).code, 0);
  await ended;
  for (const [given, reason] of [
    ['fd=1,set=7', 'fd cannot be a standard I/O stream'],
    // What the program opens for itself comes right behind what it inherits.
    ['fd=3,set=7', 'fd is not valid or already in use'],
    ['fd=5,set=7', 'fd is not valid or already in use'],
    ['fd=99,set=7', 'fd is not valid or already in use'],
  ] as const) {
    const { code, stderr } = await run('machine', '-add-fd', given);
    assert.equal(code, 1);
    assert.equal(stderr, `godwit machine: -add-fd ${given}: ${reason}\n`);
  }
});

test('with help for its value an option lists what it takes', async () => {
  for (const [option, line] of [
    ['-device', 'name "vfio-model", bus PCI'],
    ['-object', '  iothread'],
    ['-chardev', '  socket'],
    ['-M', 'sim                  embedded guest (default)'],
  ] as const) {
    const { code, stdout } = await run('machine', option, 'help');
    assert.equal(code, 0);
    assert.ok(stdout.split('\n').includes(line), stdout);
  }
});

test('-msg has messages begin with the time and the name of the machine', async () => {
  const { stderr } = await run(
    'machine',
    '-name',
    'vm1',
    '-msg',
    'timestamp=on,guest-name=on',
    '-add-fd',
    'fd=1,set=7',
  );
  assert.match(stderr, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z vm1 godwit machine: -add-fd /);
});
