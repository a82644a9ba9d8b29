import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { DeviceState } from '@godwit/vfio';
import {
  checkSnapshot,
  defaultPageDigests,
  defaultTimeouts,
  FileReadChannel,
  FileWriteChannel,
  loadSnapshot,
  saveSnapshot,
} from '../src/index.js';
import { TestMachine } from './test-machine.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-snapshot-'));
});
after(() => rmSync(folder, { recursive: true }));

const clock = new SystemClock();
const common = { clock, pageDigests: defaultPageDigests, timeouts: defaultTimeouts };
const devices = [
  { id: 'nic0', model: 'nic' },
  { id: 'gpu0', model: 'gpu' },
];

test('a machine goes back to its snapshot: RAM, sections and devices, and runs on from there', async () => {
  const machine = new TestMachine({ clock, devices });
  machine.randomize();
  machine.ram.segments[0]!.bytes.fill(0, 4096, 8192);
  machine.writes = 5;
  await machine.stop();
  const saved = machine.contents();
  const path = join(folder, 'snapshot');
  await saveSnapshot({ ...common, machine }, await FileWriteChannel.open(path));
  assert.equal(machine.runState, 'paused');
  for (const { state } of machine.models) assert.equal(state, DeviceState.STOP);

  await machine.cont();
  for (let page = 0; page < 60; page++) machine.writePage(page);
  await machine.stop();
  assert.ok(!machine.contents().equals(saved));

  await loadSnapshot({ ...common, machine }, await FileReadChannel.open(path));
  assert.ok(machine.contents().equals(saved));
  assert.equal(machine.writes, 5);
  await machine.cont();
  for (const model of machine.models) {
    assert.equal(model.state, DeviceState.RUNNING);
    assert.equal(model.verify().errors, 0);
  }
  machine.close();
});

test('a running guest cannot be saved, and a snapshot without its end cannot be loaded', async () => {
  const machine = new TestMachine({ clock });
  machine.randomize();
  const path = join(folder, 'short');
  await assert.rejects(
    saveSnapshot({ ...common, machine }, await FileWriteChannel.open(path)),
    /a snapshot needs a stopped guest/,
  );
  await machine.stop();
  await saveSnapshot({ ...common, machine }, await FileWriteChannel.open(path));
  truncateSync(path, 1000);
  await assert.rejects(loadSnapshot({ ...common, machine }, await FileReadChannel.open(path)), {
    name: 'DisconnectedError',
    message: 'the file ends in the middle of a record',
  });
  machine.close();
});

test('a snapshot is checked without loading any of it: cut anywhere, damaged, or of another machine', async () => {
  const machine = new TestMachine({ clock, devices });
  machine.randomize();
  await machine.stop();
  const path = join(folder, 'checked');
  await saveSnapshot({ ...common, machine }, await FileWriteChannel.open(path));
  const whole = readFileSync(path);
  machine.writes = 7;
  const before = machine.contents();
  const check = async (bytes: Uint8Array, other = machine) => {
    writeFileSync(path, bytes);
    await checkSnapshot({ ...common, machine: other }, await FileReadChannel.open(path));
  };
  await check(whole);
  await check(Buffer.concat([whole, Buffer.from('what follows is not looked at')]));
  for (const length of [0, 5, 12, 40, whole.length >> 1, whole.length - 20, whole.length - 1]) {
    await assert.rejects(check(whole.subarray(0, length)), `cut to ${length}`);
  }
  const damaged = Buffer.from(whole);
  damaged[whole.length - 40]! ^= 1;
  await assert.rejects(check(damaged), /corrupt/);
  await assert.rejects(check(Buffer.from('this is no snapshot at all')), /not a migration stream/);
  const other = new TestMachine({ clock, devices: devices.slice(1) });
  await assert.rejects(check(whole, other), /nic0/);
  assert.ok(machine.contents().equals(before));
  assert.equal(machine.writes, 7);
  machine.close();
  other.close();
});
