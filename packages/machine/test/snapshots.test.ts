import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  assert.match(await line(machine, 'info snapshots'), /one +\d+\.\d MiB /);
  assert.equal(await line(machine, 'loadvm one'), '');
  assert.match(await byteAt(machine, 0x5000), /0xaa/);
  assert.equal(await line(machine, 'delvm one'), '');
  assert.equal(await line(machine, 'info snapshots'), 'There is no snapshot available.\r\n');
  assert.deepEqual(readdirSync(folder), []);
  await machine.close();
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

test('a snapshot of another machine, or one that is cut short, is refused by what is wrong with it', async () => {
  const machine = await createTestMachine({ snapshotFolder: folder, startStopped: true });
  await line(machine, 'savevm three');
  const path = join(folder, 'three.snapshot');
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, whole.length - 10));
  assert.match(await line(machine, 'loadvm three'), /^Error: Could not load '.*three\.snapshot': /);
  writeFileSync(path, 'no snapshot at all');
  assert.match(await line(machine, 'loadvm three'), /^Error: Could not load/);
  writeFileSync(path, whole);
  const other = await createTestMachine({
    snapshotFolder: folder,
    startStopped: true,
    memory: 16 * 1024 ** 2,
  });
  assert.match(
    await line(other, 'loadvm three'),
    /RAM size is 8388608 at the source, 16777216 at the destination/,
  );
  await machine.close();
  await other.close();
});

test('names and folders that cannot be are said so', async () => {
  const without = await createTestMachine();
  assert.equal(await line(without, 'savevm x'), 'Error: no block device can store vmstate for snapshot\r\n');
  assert.equal(await line(without, 'info snapshots'), 'no block device can store vmstate for snapshot\r\n');
  await without.close();
  const machine = await createTestMachine({ snapshotFolder: folder });
  assert.equal(await line(machine, 'loadvm none'), "Error: Snapshot 'none' does not exist\r\n");
  assert.equal(await line(machine, 'delvm none'), "Error: Snapshot 'none' does not exist\r\n");
  assert.equal(await line(machine, 'savevm ../x'), "Error: Invalid snapshot name '../x'\r\n");
  const unwritable = await createTestMachine({ snapshotFolder: '/nonexistent/folder' });
  assert.match(
    await line(unwritable, 'savevm x'),
    /^Error: Could not make the folder '\/nonexistent\/folder': No such file or directory\r\n$/,
  );
  assert.equal(unwritable.machine.guest.runState, 'running');
  await machine.close();
  await unwritable.close();
});
