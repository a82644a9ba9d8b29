import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import {
  defaultPageDigests,
  defaultTimeouts,
  FileReadChannel,
  FileWriteChannel,
  loadSnapshot,
  saveSnapshot,
} from '../src/index.js';
import { DeviceState, TestMachine } from './rig.js';

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
