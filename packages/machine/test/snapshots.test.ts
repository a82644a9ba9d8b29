import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createTestMachine, device, execute, type TestMachine } from './support/test-machine.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

const line = async (machine: TestMachine, text: string) =>
  String(await execute(machine, 'human-monitor-command', { 'command-line': text }));

const byteAt = async (machine: TestMachine, address: number) => line(machine, `xp/1xb ${address}`);

function poke({ machine }: TestMachine, address: number, value: number): void {
  machine.hardware.memory.markUsed();
  machine.hardware.dma.write(address, Uint8Array.of(value));
}

test('a machine goes back to where it was saved: memory, devices and all', async () => {
  const machine = await createTestMachine({
    snapshotFolder: folder,
    devices: [device('d')],
    startStopped: true,
  });
  poke(machine, 0x5000, 0xaa);
  assert.equal(await line(machine, 'savevm one'), '');
  poke(machine, 0x5000, 0xbb);
  assert.match(await byteAt(machine, 0x5000), /0xbb/);
  assert.match(await line(machine, 'info snapshots'), /one +[\d.]+ [KM]iB /);
  assert.equal(await line(machine, 'loadvm one'), '');
  assert.match(await byteAt(machine, 0x5000), /0xaa/);
  assert.equal(await line(machine, 'delvm one'), '');
  assert.equal(await line(machine, 'info snapshots'), 'There is no snapshot available.\r\n');
  assert.deepEqual(readdirSync(folder), []);
  await machine.close();
});

test('a machine starts from a snapshot, or does not start', async () => {
  const saver = await createTestMachine({ snapshotFolder: folder });
  poke(saver, 0x5000, 0xaa);
  await line(saver, 'savevm start');
  await saver.close();
  const running = await createTestMachine({ snapshotFolder: folder, snapshot: 'start' });
  assert.equal(running.machine.guest.runState, 'running');
  assert.match(await byteAt(running, 0x5000), /0xaa/);
  await running.close();
  const stopped = await createTestMachine({ snapshotFolder: folder, snapshot: 'start', startStopped: true });
  assert.equal(stopped.machine.guest.runState, 'prelaunch');
  assert.match(await byteAt(stopped, 0x5000), /0xaa/);
  await line(stopped, 'delvm start');
  await assert.rejects(stopped.machine.snapshots.load('start'), /Snapshot 'start' does not exist/);
  await stopped.close();
});

test('a snapshot holds the console as well, for a server that shows it and for one that comes later', async () => {
  const saver = await createTestMachine({ snapshotFolder: folder, startStopped: true });
  saver.machine.hardware.terminal.output(Buffer.from('as it was'));
  await line(saver, 'savevm screen');
  await saver.close();
  const vnc = [{ id: 'default', password: false, share: 'ignore', connections: 1 }] as const;
  const machine = await createTestMachine({ snapshotFolder: folder, startStopped: true, vnc });
  assert.equal(await line(machine, 'loadvm screen'), '');
  assert.equal(machine.machine.vnc!.console.display.text()[2], 'as it was');
  await line(machine, 'delvm screen');
  await machine.close();
});

test('a guest that runs stands still while it is saved or loaded, and runs on', async () => {
  const machine = await createTestMachine({ snapshotFolder: folder, devices: [device('d')] });
  const before = machine.events.length;
  assert.equal(await line(machine, 'savevm two'), '');
  assert.equal(machine.machine.guest.runState, 'running');
  assert.deepEqual(
    machine.events.slice(before).filter((event) => !event.startsWith('d ')),
    ['STOP', 'RESUME'],
  );
  assert.equal(await line(machine, 'loadvm two'), '');
  assert.equal(machine.machine.guest.runState, 'running');
  assert.equal(machine.machine.hardware.devices[0]?.device.state, 2);
  await machine.close();
});

test('a snapshot of another machine, or one that is cut short, is refused, and the guest can go on', async () => {
  const machine = await createTestMachine({ snapshotFolder: folder, devices: [device('d')] });
  await line(machine, 'savevm three');
  const path = join(folder, 'three.snapshot');
  const whole = readFileSync(path);
  poke(machine, 0x5000, 0xcc);
  const fails = async (contents: Uint8Array | string, reason: RegExp) => {
    writeFileSync(path, contents);
    assert.match(await line(machine, 'loadvm three'), reason);
    assert.equal(machine.machine.guest.runState, 'restore-vm');
    assert.equal(await line(machine, 'cont'), '');
    assert.equal(machine.machine.guest.runState, 'running');
    assert.match(await byteAt(machine, 0x5000), /0xcc/);
  };
  await fails(whole.subarray(0, whole.length - 10), /^Error: Could not load '.*three\.snapshot': /);
  await fails('no snapshot at all', /not a migration stream/);
  await fails('', /the stream is empty/);
  writeFileSync(path, whole);
  const other = await createTestMachine({ snapshotFolder: folder, memory: 16 * 1024 ** 2 });
  assert.match(
    await line(other, 'loadvm three'),
    /RAM size is 8388608 at the source, 16777216 at the destination/,
  );
  assert.equal(await line(other, 'cont'), '');
  assert.equal(await line(machine, 'loadvm three'), '');
  assert.match(await byteAt(machine, 0x5000), /0x00/);
  await machine.close();
  await other.close();
});

test('where pages of a snapshot are damaged, the guest runs only after a reset', async () => {
  const machine = await createTestMachine({ snapshotFolder: folder });
  const page = Buffer.from('these bytes are in the page');
  machine.machine.hardware.memory.markUsed();
  machine.machine.hardware.dma.write(0x5000, page);
  await line(machine, 'savevm pages');
  const path = join(folder, 'pages.snapshot');
  const damaged = readFileSync(path);
  damaged[damaged.indexOf(page)]! ^= 1;
  writeFileSync(path, damaged);
  assert.match(await line(machine, 'loadvm pages'), /guest RAM was damaged on its way/);
  assert.equal(await line(machine, 'cont'), 'Error: Resetting the Virtual Machine is required\r\n');
  await line(machine, 'system_reset');
  assert.equal(await line(machine, 'cont'), '');
  assert.equal(machine.machine.guest.runState, 'running');
  await machine.close();
});

test('a disk that is full costs neither the guest nor the snapshot that was there', async () => {
  const machine = await createTestMachine({ snapshotFolder: folder });
  await line(machine, 'savevm full');
  const before = readFileSync(join(folder, 'full.snapshot'));
  symlinkSync('/dev/full', join(folder, 'full.snapshot.partial'));
  assert.match(
    await line(machine, 'savevm full'),
    /^Error: Could not save '.*': No space left on device\r\n$/,
  );
  assert.equal(machine.machine.guest.runState, 'running');
  assert.deepEqual(readFileSync(join(folder, 'full.snapshot')), before);
  assert.equal(readdirSync(folder).includes('full.snapshot.partial'), false);
  await machine.close();
});

test('any name will do, and stays within the folder', async () => {
  const inner = join(folder, 'names');
  const machine = await createTestMachine({ snapshotFolder: inner, startStopped: true });
  const names = ['two words', 'a/b', '../up', '.hidden', 'ä%41', '-x', 'UPPER', 'upper'];
  for (const name of names) assert.equal(await line(machine, `savevm "${name}"`), '', name);
  assert.equal(readdirSync(inner).length, names.length);
  assert.deepEqual((await machine.machine.snapshots.list()).map(({ tag }) => tag).sort(), [...names].sort());
  for (const name of names) assert.equal(await line(machine, `loadvm "${name}"`), '', name);
  for (const name of names) assert.equal(await line(machine, `delvm "${name}"`), '', name);
  assert.deepEqual(readdirSync(inner), []);
  assert.match(await line(machine, `savevm ${'x'.repeat(300)}`), /is too long/);
  assert.match(await line(machine, `loadvm ${'x'.repeat(300)}`), /does not exist in one or more devices/);
  assert.equal(await line(machine, 'savevm'), '');
  assert.match(
    await line(machine, 'info snapshots'),
    /^List of snapshots present on all disks:\r\nID {8}TAG {15}VM SIZE {16}DATE\r\n-- {8}vm-\d{14} +[\d.]+ KiB \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\r\n$/,
  );
  await machine.close();
});

test('no two of saving, loading and migrating happen at once', async () => {
  const machine = await createTestMachine({ snapshotFolder: folder });
  const { snapshots } = machine.machine;
  let saved = false;
  const saving = snapshots.save('at-once').finally(() => {
    saved = true;
  });
  for (const step of [snapshots.load('at-once'), snapshots.save('other'), snapshots.delete('at-once')]) {
    await assert.rejects(step, /There's a migration process in progress/);
  }
  await machine.clock.advanceUntil(() => saved);
  await saving;
  const waiting = await createTestMachine({ snapshotFolder: folder, incoming: 'defer' });
  for (const command of ['savevm x', 'loadvm at-once']) {
    assert.equal(await line(waiting, command), 'Error: The guest has not been migrated here yet\r\n');
    assert.equal(waiting.machine.guest.runState, 'inmigrate');
  }
  await machine.close();
  await waiting.close();
});

test('names and folders that cannot be are said so', async () => {
  const without = await createTestMachine();
  assert.equal(await line(without, 'savevm x'), 'Error: no block device can store vmstate for snapshot\r\n');
  assert.equal(await line(without, 'info snapshots'), 'no block device can store vmstate for snapshot\r\n');
  await without.close();
  const machine = await createTestMachine({ snapshotFolder: folder });
  assert.equal(
    await line(machine, 'loadvm none'),
    "Error: Snapshot 'none' does not exist in one or more devices\r\n",
  );
  assert.equal(await line(machine, 'delvm none'), '');
  const unwritable = await createTestMachine({ snapshotFolder: '/nonexistent/folder' });
  assert.match(
    await line(unwritable, 'savevm x'),
    /^Error: Could not make the folder '\/nonexistent\/folder': No such file or directory\r\n$/,
  );
  assert.equal(unwritable.machine.guest.runState, 'running');
  await machine.close();
  await unwritable.close();
});
