import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { native, nativeUnavailableReason } from '@godwit/native';
import type { DemoResult } from '../../src/demo/result.js';

const GODWIT = fileURLToPath(new URL('../../../bin/godwit.js', import.meta.url));
const SMALL = ['--ram', '32M', '--dirty-rate', '20M', '--device-state', '1M,2M'];

interface Started {
  readonly child: ChildProcess;
  readonly temporaryFolder: string;
  output(): string;
  errors(): string;
  exit: Promise<number | null>;
}

/** `godwit demo` with a temporary folder of its own, which shows what it leaves behind. */
function startDemo(
  context: TestContext,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Started {
  const temporaryFolder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  const child = spawn(process.execPath, [GODWIT, 'demo', ...args], {
    env: { ...process.env, TMPDIR: temporaryFolder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => {
    child.kill('SIGKILL');
    rmSync(temporaryFolder, { recursive: true, force: true });
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return { child, temporaryFolder, output: () => output, errors: () => errors, exit };
}

/** The processes of the two machines, as the demo tells them, once it does. */
async function machinesOf(demo: Started): Promise<number[]> {
  for (;;) {
    const pids = [...demo.output().matchAll(/process (\d+)/g)].map((match) => Number(match[1]));
    if (pids.length === 2) return pids;
    await once(demo.child.stdout!, 'data');
  }
}

function isMachineOf(pid: string, folder: string): boolean {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return command.includes('\0machine\0') && command.includes(folder);
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await new Promise((resolve) => setImmediate(resolve));
}

test('a guest migrates, and the JSON says that nothing was lost', async (context) => {
  const demo = startDemo(context, [...SMALL, '--json']);
  assert.equal(await demo.exit, 0, demo.errors());
  assert.equal(demo.errors(), '');
  const result = JSON.parse(demo.output()) as DemoResult;
  assert.deepEqual(Object.keys(result), ['status', 'totalMs', 'downtimeMs', 'ram', 'devices', 'verified']);
  assert.equal(result.status, 'completed');
  assert.equal(result.ram.bytes, 32 * 2 ** 20);
  assert.ok(result.ram.transferred > 27 * 2 ** 20, `${result.ram.transferred} bytes of RAM`);
  assert.deepEqual(result.verified, { guest: true, devices: true });
  assert.deepEqual(
    result.devices.map(({ id }) => id),
    ['nic0', 'gpu0'],
  );
  for (const [index, size] of [2 ** 20, 2 * 2 ** 20].entries()) {
    const device = result.devices[index]!;
    assert.deepEqual(Object.keys(device), ['id', 'qomPath', 'bytes', 'states', 'downtimeMs']);
    assert.ok(device.bytes >= size, `${device.id}: ${device.bytes} bytes`);
    const states = new Set(device.states.map(({ state }) => state));
    for (const state of ['pre-copy', 'pre-copy-p2p', 'stop-copy', 'resuming', 'running']) {
      assert.ok(states.has(state), `${device.id} reported ${state}`);
    }
  }
  assert.deepEqual(readdirSync(demo.temporaryFolder), []);
});

test(
  'devices of processes of their own are moved as well, and no process is left',
  native === undefined ? { skip: nativeUnavailableReason ?? true } : {},
  async (context) => {
    const demo = startDemo(context, [...SMALL, '--remote']);
    assert.equal(await demo.exit, 0, demo.errors());
    assert.match(demo.output(), /source's nic0 +process \d+/);
    assert.match(demo.output(), /✓ gpu0 .*all intact; .*all in place/);
    const pids = [...demo.output().matchAll(/process (\d+)/g)].map((match) => Number(match[1]));
    assert.equal(pids.length, 6);
    await Promise.all(pids.map(gone));
    assert.deepEqual(readdirSync(demo.temporaryFolder), []);
  },
);

test('for people there are progress, a timeline, the downtime and what the guest found, also without the addon', async (context) => {
  const demo = startDemo(context, [...SMALL, '--transport', 'tcp'], { GODWIT_NO_NATIVE: '1' });
  assert.equal(await demo.exit, 0, demo.errors());
  for (const text of [
    'note: the native addon is missing (GODWIT_NO_NATIVE=1 is set)',
    'migrating over tcp',
    'completed after',
    'STOP▼',
    '▼RESUME',
    'none lost, torn or repeated',
  ]) {
    assert.ok(demo.output().includes(text), `${text} in:\n${demo.output()}`);
  }
  assert.match(demo.output(), /downtime {2}[\d.]+ m?s from STOP to RESUME \(limit 300 ms\)/);
});

test('Ctrl-C ends the demo, its machines and its folder', async (context) => {
  const demo = startDemo(context, SMALL);
  const machines = await machinesOf(demo);
  demo.child.kill('SIGINT');
  assert.equal(await demo.exit, 130);
  await Promise.all(machines.map(gone));
  assert.deepEqual(readdirSync(demo.temporaryFolder), []);
});

test('a demo whose output nobody reads any more ends and cleans up', async (context) => {
  const demo = startDemo(context, SMALL);
  const machines = await machinesOf(demo);
  demo.child.stdout!.destroy();
  assert.equal(await demo.exit, 141);
  assert.equal(demo.errors(), '');
  await Promise.all(machines.map(gone));
  assert.deepEqual(readdirSync(demo.temporaryFolder), []);
});

test('machines do not outlive a demo that is killed', async (context) => {
  const demo = startDemo(context, SMALL);
  const machines = await machinesOf(demo);
  demo.child.kill('SIGKILL');
  await Promise.all(machines.map(gone));
});

test('a machine that dies ends the demo with a clear error', async (context) => {
  const demo = startDemo(context, [...SMALL, '--json']);
  const folder = () => readdirSync(demo.temporaryFolder)[0];
  while (folder() === undefined || readdirSync(join(demo.temporaryFolder, folder()!)).length < 2) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const children = readdirSync('/proc').filter(
    (pid) => /^\d+$/.test(pid) && isMachineOf(pid, demo.temporaryFolder),
  );
  process.kill(Number(children[0]), 'SIGKILL');
  assert.equal(await demo.exit, 1);
  assert.match(demo.errors(), /^godwit demo: .*(source|destination).*\n$/);
  assert.deepEqual(readdirSync(demo.temporaryFolder), []);
});

test('an argument that is wrong is told in one line', async (context) => {
  const demo = startDemo(context, ['--nonsense']);
  assert.equal(await demo.exit, 2);
  assert.equal(demo.errors(), "godwit demo: unknown option '--nonsense'; see godwit demo --help\n");
});

test('a guest that does not fit into the host is told so before anything is started', async (context) => {
  const demo = startDemo(context, ['--ram', '900000G']);
  assert.equal(await demo.exit, 1);
  assert.match(
    demo.errors(),
    /^godwit demo: two machines need 1758 TiB of memory, and there are .*; see --ram\n$/,
  );
  assert.equal(demo.output(), '');
  assert.deepEqual(readdirSync(demo.temporaryFolder), []);
});

test('the bandwidth and the downtime are limited as asked', async (context) => {
  const demo = startDemo(context, [...SMALL, '--bandwidth', '64M', '--downtime-limit', '150']);
  assert.equal(await demo.exit, 0, demo.errors());
  assert.match(demo.output(), /; migrating over unix at 64 MiB\/s\n/);
  assert.match(demo.output(), /\(limit 150 ms\)\n/);
});

test('a temporary folder whose path is too long for sockets is told in one line', async (context) => {
  const outer = mkdtempSync(join(tmpdir(), 'demo-test-'));
  context.after(() => rmSync(outer, { recursive: true, force: true }));
  const long = join(outer, 'x'.repeat(90));
  mkdirSync(long);
  const demo = startDemo(context, SMALL, { TMPDIR: long });
  assert.equal(await demo.exit, 1);
  assert.match(demo.errors(), /^godwit demo: .*too long.*\n$/);
  assert.deepEqual(readdirSync(long), []);
});
