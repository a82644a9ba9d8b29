import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { QmpClient } from '@godwit/qmp';
import { runInProcess } from './run-in-process.js';

const godwit = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));

let folder: string;
const children = new Set<ChildProcess>();
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => {
  // A test that fails leaves its machines running.
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

function event(ms: number, name: string, data?: object): string {
  return JSON.stringify({ timestamp: { seconds: 1000, microseconds: ms * 1000 }, event: name, data });
}

function device(ms: number, state: string): string {
  const data = { 'device-id': 'nic0', 'qom-path': '/machine/peripheral/nic0', 'device-state': state };
  return event(ms, 'VFIO_MIGRATION', data);
}

/** The events of two machines, as somebody has written them down. */
function logs(end: string): [string, string] {
  const source = [
    '{"return": {}}',
    event(0, 'MIGRATION', { status: 'setup' }),
    device(5, 'pre-copy'),
    event(6, 'MIGRATION', { status: 'active' }),
    '2026-11-21 10:00:00 <- {"broken',
    `2026-11-21 10:00:00 <- ${device(500, 'stop-copy')}`,
    event(502, 'STOP'),
    event(502, 'MIGRATION', { status: 'device' }),
    event(590, 'MIGRATION', { status: end }),
    'x'.repeat(100_000),
  ];
  const destination = [device(3, 'resuming'), event(591, 'RESUME'), device(599, 'running')];
  const paths: [string, string] = [join(folder, `source-${end}.log`), join(folder, `destination-${end}.log`)];
  writeFileSync(paths[0], source.join('\r\n'));
  writeFileSync(paths[1], destination.join('\n'));
  return paths;
}

test('godwit timeline draws a migration out of what was written down of it, and says where its time went', async () => {
  const { status, stdout, stderr } = await runInProcess('timeline', ...logs('completed'));
  assert.equal(stderr, '');
  assert.equal(status, 0);
  assert.match(stdout, /^completed after 590 ms$/m);
  assert.match(stdout, /^ {2}downtime {2}89\.0 ms from STOP to RESUME$/m);
  assert.match(stdout, /^ {2}the vCPUs stood still for 99\.0 ms:$/m);
  assert.match(
    stdout,
    /^ +2\.0 ms {2}devices stop\n +89\.0 ms {2}send and load\n +8\.0 ms {2}devices start$/m,
  );
  assert.match(stdout, /^source nic0 .*░.*█/m);
  assert.match(stdout, /^dest nic0 .*▓.*━/m);
});

test('godwit timeline --json says the same for programs, and fails where the migration has', async () => {
  const { status, stdout } = await runInProcess('timeline', '--json', ...logs('failed'));
  assert.equal(status, 1);
  const result = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(
    { ...result, devices: undefined },
    {
      status: 'failed',
      downtimeMs: 89,
      phases: [
        { name: 'devices stop', ms: 2 },
        { name: 'send and load', ms: 88 },
        { name: 'take back', ms: 1 },
        { name: 'devices start', ms: 8 },
      ],
      statuses: [
        { status: 'setup', atMs: 0 },
        { status: 'active', atMs: 6 },
        { status: 'device', atMs: 502 },
        { status: 'failed', atMs: 590 },
      ],
      devices: undefined,
    },
  );
  const [nic] = result.devices as { states: unknown[] }[];
  assert.deepEqual(nic?.states.slice(-2), [
    { state: 'stop-copy', atMs: 500 },
    { state: 'running', atMs: 599 },
  ]);
});

test('godwit timeline says what is wrong: no address, too many, no monitor, no migration in a file', async () => {
  const empty = join(folder, 'empty.log');
  writeFileSync(empty, '');
  for (const [args, status, message] of [
    [[], 2, /give the monitor of the source/],
    [['a', 'b', 'c'], 2, /'c' is one argument too many/],
    [[join(folder, 'nowhere')], 1, /cannot connect to unix:.*nowhere/],
    [[empty], 1, /no migration was seen/],
  ] as const) {
    const result = await runInProcess('timeline', ...args);
    assert.equal(result.status, status, String(args));
    assert.match(result.stderr, message);
  }
});

/** A machine with two monitors: one is watched, the other is for its user. */
async function startMachine(
  name: string,
  ...args: string[]
): Promise<{ watched: string; client: QmpClient }> {
  const [own, watched] = [join(folder, name), join(folder, `${name}-watched`)];
  const monitors = [own, watched].flatMap((path) => ['-qmp', `unix:${path},server=on,wait=off`]);
  const devices = ['-device', 'vfio-model,model=nic,id=nic0,migration-events=on,latency=5'];
  const child = spawn(process.execPath, [godwit, 'machine', '-m', '16', ...monitors, ...devices, ...args], {
    stdio: 'ignore',
  });
  children.add(child);
  for (;;) {
    try {
      return { watched, client: await QmpClient.connect(own) };
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 20);
      });
    }
  }
}

test('godwit timeline watches a migration between two machines through their monitors', async () => {
  const uri = `unix:${join(folder, 'migration')}`;
  const source = await startMachine('source');
  const destination = await startMachine('destination', '-incoming', uri);
  const watcher = spawn(process.execPath, [godwit, 'timeline', source.watched, destination.watched], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(watcher);
  const ended = once(watcher, 'close');
  let text = '';
  const waiting = new Promise<void>((resolve) => {
    watcher.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.includes('waiting for a migration\n')) resolve();
    });
  });
  await Promise.race([waiting, ended]);
  await source.client.execute('migrate', { uri });
  const [code] = (await ended) as [number];
  assert.equal(code, 0, text);
  const told = text
    .split('\n')
    .filter((line) => /^ +[\d.]+ m?s {2}source/.test(line))
    .map((line) => line.replace(/^.*source +/, ''));
  assert.deepEqual(told.slice(0, 3), ['migration setup', 'nic0 pre-copy', 'migration active']);
  assert.match(text, /destination {2}nic0 resuming\n/);
  assert.match(text, /destination {2}migration completed\n/);
  assert.match(text, /^completed after /m);
  assert.match(text, /^ {2}the vCPUs stood still for /m);
  assert.match(text, /^migration .*│completed$/m);
  for (const { client } of [source, destination]) {
    await client.execute('quit');
    await client.close();
  }
});
