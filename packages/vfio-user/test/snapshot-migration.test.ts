import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDevice, DeviceState, VfioError } from '@godwit/vfio';
import { MemoryRegion, SnapshotMigration } from '../src/index.js';

interface TextDevice {
  text: string;
  /** What came ahead of the state that was loaded. */
  ahead: string[];
  readonly migration: SnapshotMigration;
}

/** A device with a text of at most 10 letters for its state. */
function textDevice(running: boolean[] = []): TextDevice {
  const device: TextDevice = {
    text: 'initial',
    ahead: [],
    migration: new SnapshotMigration({
      preCopy: () => Buffer.from('ahead'),
      save: () => Buffer.from(device.text),
      load: (state, ahead) => {
        if (state.length > 10) throw new VfioError('EINVAL', 'the text is too long');
        device.text = Buffer.from(state).toString();
        device.ahead = ahead.map((part) => Buffer.from(part).toString());
      },
      running: (now) => running.push(now),
      reset: () => {
        device.text = 'initial';
      },
    }),
  };
  return device;
}

async function readAll(device: SnapshotMigration): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const part = Buffer.alloc(3);
    const read = await device.readData(part);
    if (read.kind !== 'data') return Buffer.concat(parts);
    parts.push(part.subarray(0, read.length));
  }
}

test('the state moves, and the device stands still from the P2P state on', async () => {
  const running: boolean[] = [];
  const source = textDevice(running);
  const target = textDevice();
  source.text = 'moved';
  await source.migration.setState(DeviceState.RUNNING_P2P);
  assert.deepEqual(running, [false]);
  await source.migration.setState(DeviceState.STOP_COPY);
  assert.equal(await source.migration.dataSize(), 16 + 5);
  await target.migration.setState(DeviceState.RESUMING);
  await target.migration.writeData(await readAll(source.migration));
  await target.migration.setState(DeviceState.RUNNING);
  assert.equal(target.text, 'moved');
  await source.migration.setState(DeviceState.RUNNING);
  assert.deepEqual(running, [false, true]);
});

test('what pre-copy sends ahead arrives apart from the state', async () => {
  const source = textDevice();
  const target = textDevice();
  await source.migration.setState(DeviceState.PRE_COPY);
  const { initialBytes } = await source.migration.precopyInfo();
  assert.equal(initialBytes, 16 + 5);
  await target.migration.setState(DeviceState.RESUMING);
  await target.migration.writeData(await readAll(source.migration));
  source.text = 'later';
  await source.migration.setState(DeviceState.STOP_COPY);
  await target.migration.writeData(await readAll(source.migration));
  await target.migration.setState(DeviceState.STOP);
  assert.deepEqual([target.text, target.ahead], ['later', ['ahead']]);
});

test('a state that the device refuses leaves it in the error state, from which a reset leads', async () => {
  const source = textDevice();
  source.text = 'much too long';
  await source.migration.setState(DeviceState.STOP_COPY);
  const { migration } = textDevice();
  await migration.setState(DeviceState.RESUMING);
  await migration.writeData(await readAll(source.migration));
  await assert.rejects(migration.setState(DeviceState.STOP), { code: 'EINVAL' });
  assert.equal(migration.state, DeviceState.ERROR);
  await migration.reset();
  assert.equal(migration.state, DeviceState.RUNNING);
});

test('a state beyond 64 MiB is refused', async () => {
  const { migration } = textDevice();
  await migration.setState(DeviceState.RESUMING);
  const chunk = Buffer.alloc(32 * 2 ** 20);
  await migration.writeData(chunk);
  await migration.writeData(chunk);
  await assert.rejects(migration.writeData(Buffer.alloc(1)), { code: 'ENOSPC' });
});

test('it keeps the rules of the uAPI', async () => {
  const report = await checkDevice(() => textDevice().migration, {});
  const failed = report.results.filter(({ outcome }) => outcome === 'failed');
  assert.deepEqual(failed, []);
});

test('a device that is nothing but its regions moves by what they hold', async () => {
  const written: number[][] = [];
  const make = () => [new MemoryRegion(4, (...access) => written.push(access)), new MemoryRegion(2)] as const;
  const [source, target] = [make(), make()];
  source[0].write(1, Buffer.from([7, 8]));
  source[1].write(0, Buffer.from([9]));
  assert.deepEqual(written, [[1, 2]]);
  const saving = SnapshotMigration.of(...source);
  const resuming = SnapshotMigration.of(...target);
  await saving.setState(DeviceState.STOP_COPY);
  await resuming.setState(DeviceState.RESUMING);
  await resuming.writeData(await readAll(saving));
  await resuming.setState(DeviceState.RUNNING);
  assert.deepEqual([...target[0].bytes, ...target[1].bytes], [0, 7, 8, 0, 9, 0]);
  await resuming.reset();
  assert.deepEqual([...target[0].bytes, ...target[1].bytes], [0, 0, 0, 0, 0, 0]);

  const other = SnapshotMigration.of(new MemoryRegion(8));
  await saving.setState(DeviceState.STOP);
  await saving.setState(DeviceState.STOP_COPY);
  await other.setState(DeviceState.RESUMING);
  await other.writeData(await readAll(saving));
  await assert.rejects(other.setState(DeviceState.STOP), {
    code: 'EINVAL',
    message: /6 bytes, where the device has 8/,
  });
});
