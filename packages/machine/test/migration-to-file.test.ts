import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestMachine, device, execute, type TestMachine } from './support/test-machine.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Files and programs are not on the virtual clock, so that this takes turns of the event loop. */
async function ended(machine: TestMachine): Promise<{ status: string; 'error-desc'?: string }> {
  for (;;) {
    const info = (await execute(machine, 'query-migrate')) as { status: string; 'error-desc'?: string };
    if (['completed', 'failed'].includes(info.status)) return info;
    await machine.clock.advance(1);
  }
}

async function runState(machine: TestMachine): Promise<string> {
  return ((await execute(machine, 'query-status')) as { status: string }).status;
}

const devices = [device('nic', { model: 'nic' })];

for (const [transport, save, load] of [
  ['file', (path: string) => `file:${path}`, (path: string) => `file:${path}`],
  ['exec', (path: string) => `exec:cat > ${path}`, (path: string) => `exec:cat ${path}`],
] as const) {
  test(`${transport}: a guest is put away, and taken up again by another machine`, async () => {
    const path = join(folder, transport);
    const source = await createTestMachine({ devices });
    await execute(source, 'migrate', { uri: save(path) });
    const info = await ended(source);
    assert.equal(info.status, 'completed', info['error-desc']);
    const destination = await createTestMachine({ devices, incoming: load(path) });
    await destination.clock.advance(1);
    assert.equal((await ended(destination)).status, 'completed');
    assert.equal(await runState(destination), 'running');
    assert.deepEqual(destination.events.slice(-4), [
      'RESUME',
      'nic running-p2p',
      'nic running',
      'MIGRATION completed',
    ]);
    await source.close();
    await destination.close();
  });
}

test('a file that cannot be written leaves the guest running, and query-migrate says why', async () => {
  const source = await createTestMachine({ devices });
  const path = join(folder, 'none', 'guest');
  await execute(source, 'migrate', { uri: `file:${path}` });
  const info = await ended(source);
  assert.equal(info.status, 'failed');
  assert.match(info['error-desc'] ?? '', /^Unable to open .*none\/guest: no such file or directory$/i);
  assert.equal(await runState(source), 'running');
  await source.close();
});
