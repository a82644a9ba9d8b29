import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  COMMON_REGISTERS,
  createModel,
  DeviceLogic,
  DeviceState,
  decodeField,
  encodeField,
  type MigrationRegion,
  MODELS,
  RegionUser,
  stateName,
  V1_FIELDS,
  V1_REGION_SUBTYPE,
  V1_REGION_TYPE,
  V1Device,
  type V1FieldName,
  V1State,
  VendorDriver,
} from '../src/index.js';
import { drain, readRegister, rig, TestMemory, writeRegister } from './rig.js';

const { RUNNING, STOP, STOP_COPY, RESUMING, PRE_COPY, ERROR } = DeviceState;
const SCRATCH = COMMON_REGISTERS.SCRATCH0.offset;
const V1 = { protocol: 'v1', 'region-size': 8192 };

for (const model of MODELS.keys()) {
  for (const mapped of [true, false]) {
    test(`${model} migrates through the region (${mapped ? 'mapped' : 'trapped'}), cut anywhere`, async () => {
      const source = rig(model, { ...V1, 'region-mapped': mapped, 'dirty-rate': '1M' });
      const target = rig(model, { ...V1, 'region-mapped': mapped }, { seed: 9 });
      writeRegister(source.device, SCRATCH, 4711);
      const chunks: Uint8Array[] = [];
      if (source.device.flags.preCopy) {
        await source.device.setState(PRE_COPY);
        assert.ok((await source.device.precopyInfo()).initialBytes > 0);
        chunks.push(...(await drain(source.device, 1000)));
        await source.clock.advance(20);
        assert.ok((await source.device.precopyInfo()).dirtyBytes > 0);
      }
      await source.device.setState(STOP_COPY);
      chunks.push(...(await drain(source.device, 1001)));
      await source.device.setState(STOP);
      await target.device.setState(RESUMING);
      const stream = Buffer.concat(chunks);
      for (let at = 0; at < stream.length; at += 777)
        await target.device.writeData(stream.subarray(at, at + 777));
      await target.device.setState(RUNNING);
      assert.equal(readRegister(target.device, SCRATCH), 4711);
      assert.equal(target.device.verify().errors, 0);
      source.device.close();
      target.device.close();
      assert.equal(source.clock.pendingTimers, 0);
    });
  }
}

test('a migration writes the states of the 2018 flow, and the trace shows each access', async () => {
  const trace: string[] = [];
  const { device } = rig('nic', { ...V1, trace: 'on' }, { trace: (line) => trace.push(line) });
  const written = () =>
    trace.filter((line) => line.startsWith('set state: write')).map((line) => line.split(' ')[5]);
  await device.setState(PRE_COPY);
  await drain(device);
  await device.setState(STOP_COPY);
  await drain(device);
  await device.setState(STOP);
  await device.setState(RUNNING);
  assert.deepEqual(written(), [
    'MIGRATION_SETUP',
    'MIGRATION_PRECOPY',
    'MIGRATION_STOPNCOPY',
    'MIGRATION_SAVE_COMPLETED',
    'RUNNING',
  ]);
  assert.ok(trace.includes('set state: write device_state = MIGRATION_PRECOPY (3) [03 00 00 00]'));
  assert.ok(trace.includes('buffer: read data.offset = 4096 [00 10 00 00 00 00 00 00]'));
  assert.ok(trace.some((line) => /^data: map 4096 \+\d+ \[01 00 00 00 /.test(line)));
});

test('a migration that is given up ends with CANCELLED, and the source runs', async () => {
  for (const state of [PRE_COPY, STOP_COPY]) {
    const trace: string[] = [];
    const { device } = rig('nic', { ...V1, trace: 'on' }, { trace: (line) => trace.push(line) });
    await device.setState(state);
    await device.setState(RUNNING);
    assert.equal(device.state, RUNNING);
    const states = trace
      .filter((line) => line.startsWith('set state: write'))
      .map((line) => line.split(' ')[5]);
    assert.deepEqual(states.slice(-2), ['MIGRATION_CANCELLED', 'RUNNING'], stateName(state));
  }
});

test('after an error of the stream the migration ends with FAILED, and the source runs', async () => {
  const trace: string[] = [];
  const { device } = rig(
    'nic',
    { ...V1, 'fail-read-at': 9000, trace: 'on' },
    { trace: (line) => trace.push(line) },
  );
  await device.setState(PRE_COPY);
  await assert.rejects(drain(device), { code: 'EIO' });
  await device.setState(RUNNING);
  const states = trace
    .filter((line) => line.startsWith('set state: write'))
    .map((line) => line.split(' ')[5]);
  assert.deepEqual(states.slice(-2), ['MIGRATION_FAILED', 'RUNNING']);
  writeRegister(device, SCRATCH, 1);
});

test('a failed transition can be taken back, whatever state the driver was left in', async () => {
  for (const arc of ['running->pre-copy', 'pre-copy->stop-copy', 'running->stop', 'stop->stop-copy']) {
    const { device } = rig('nic', { ...V1, 'fail-arc': arc });
    await assert.rejects(
      async () => {
        await device.setState(PRE_COPY);
        await device.setState(STOP_COPY);
        await device.setState(RUNNING);
        await device.setState(STOP);
        await device.setState(STOP_COPY);
      },
      { code: 'EIO' },
      arc,
    );
    await device.setState(RUNNING);
    await device.setState(STOP);
    await device.setState(RUNNING);
    assert.equal(device.state, RUNNING);
  }
});

test('a device left in the error state says so, and a reset helps', async () => {
  const { device } = rig('nic', { ...V1, 'fail-arc': 'pre-copy->stop-copy', 'fail-leaves': 'error' });
  await device.setState(PRE_COPY);
  await assert.rejects(device.setState(STOP_COPY), { code: 'EIO' });
  assert.equal(device.state, ERROR);
  await assert.rejects(device.setState(RUNNING), { code: 'EINVAL' });
  await device.reset();
  assert.equal(device.state, RUNNING);
  await device.setState(STOP_COPY);
});

test('a truncated, corrupt or foreign stream is refused, and a reset helps', async () => {
  const source = rig('nic', V1);
  await source.device.setState(STOP_COPY);
  const stream = new Uint8Array(Buffer.concat(await drain(source.device)));
  const flipped = Uint8Array.from(stream);
  flipped[5000]! ^= 1;
  const foreign = Uint8Array.from(stream);
  foreign[0] = 77;
  const longer = Buffer.concat([stream, Uint8Array.of(1)]);
  for (const bad of [
    stream.subarray(0, stream.length - 1),
    stream.subarray(0, 0),
    flipped,
    foreign,
    longer,
  ]) {
    const { device } = rig('nic', V1);
    await device.setState(RESUMING);
    await assert.rejects(
      async () => {
        await device.writeData(bad);
        await device.setState(RUNNING);
      },
      { code: 'EINVAL' },
    );
    if (device.state === RESUMING) await assert.rejects(device.setState(STOP), { code: 'EINVAL' });
    assert.equal(device.state, ERROR);
    await device.reset();
    assert.equal(device.state, RUNNING);
  }
});

test('a record that does not fit into the data area of the destination is refused with both sizes', async () => {
  const source = rig('nic', V1);
  await source.device.setState(STOP_COPY);
  const stream = Buffer.concat(await drain(source.device));
  const { device } = rig('nic', { ...V1, 'region-size': 4096 });
  await device.setState(RESUMING);
  await assert.rejects(device.writeData(stream), {
    message: /a frame of 8192 bytes, but only 4096 can be taken/,
  });
});

test('dirty pages are reported from the start of tracking until after the stop', async () => {
  for (const preCopy of [true, false]) {
    const memory = new TestMemory(1 << 20);
    const { device, clock } = rig(
      'nic',
      { ...V1, 'pre-copy': preCopy, 'dma-rate': '1M', 'dma-address': 32768, 'dma-size': 32768 },
      { memory },
    );
    await device.dmaLogging.start([{ iova: 0, length: 1 << 19 }], 4096);
    await assert.rejects(device.dmaLogging.start([{ iova: 0, length: 4096 }], 4096), { code: 'EBUSY' });
    await clock.advance(50);
    const first = new Uint32Array(4);
    await device.dmaLogging.report(0, 1 << 19, 4096, first);
    assert.deepEqual([...first], [0xff00, 0, 0, 0]);
    if (preCopy) await device.setState(PRE_COPY);
    await clock.advance(10);
    await device.setState(preCopy ? STOP_COPY : STOP);
    const coarse = new Uint32Array(2);
    await device.dmaLogging.report(0, 1 << 19, 8192, coarse);
    assert.notEqual(coarse[0], 0);
    assert.equal(coarse[0]! & ~0xf0, 0);
    await device.setState(STOP_COPY);
    await device.setState(RUNNING);
    const afterwards = new Uint32Array(4);
    await device.dmaLogging.report(0, 1 << 19, 4096, afterwards);
    assert.deepEqual([...afterwards], [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff]);
    const again = new Uint32Array(4);
    await device.dmaLogging.report(0, 1 << 19, 4096, again);
    assert.deepEqual([...again], [0, 0, 0, 0]);
    await device.dmaLogging.stop();
    await assert.rejects(device.dmaLogging.report(0, 4096, 4096, first), { code: 'EINVAL' });
    device.close();
  }
});

test('the configuration of a device is saved first and restored before its data', async () => {
  const config = {
    maxSize: 256,
    save: () => new Uint8Array(256).fill(0x5a),
    load: (bytes: Uint8Array) => loaded.push(bytes),
  };
  const loaded: Uint8Array[] = [];
  const source = new V1Device(fakeRegion().region, { reset: async () => {}, config });
  await source.setState(STOP_COPY);
  const chunks = await drain(source);
  const target = new V1Device(fakeRegion().region, { reset: async () => {}, config });
  await target.setState(RESUMING);
  for (const chunk of chunks) await target.writeData(chunk);
  await target.setState(STOP);
  assert.deepEqual(loaded, [new Uint8Array(256).fill(0x5a)]);
});

/** A region that says what a test wants it to say. `pending` is what STOPNCOPY still has to give. */
function fakeRegion(answers: Partial<Record<V1FieldName, (value: number) => number>> = {}, size = 8192) {
  const bytes = new Uint8Array(Math.max(size, 76));
  const values = new Map<V1FieldName, number>([
    ['device_state', V1State.RUNNING],
    ['data.offset', 4096],
  ]);
  const names = Object.keys(V1_FIELDS) as V1FieldName[];
  const fieldAt = (offset: number) => names.find((name) => V1_FIELDS[name].offset === offset);
  const region: MigrationRegion = {
    type: V1_REGION_TYPE,
    subtype: V1_REGION_SUBTYPE,
    size,
    mappedAreas: [],
    map: () => undefined,
    read: async (offset, into) => {
      const name = offset < 76 ? fieldAt(offset) : undefined;
      if (name === undefined) into.set(bytes.subarray(offset, offset + into.length));
      else into.set(encodeField(name, (answers[name] ?? ((value: number) => value))(values.get(name) ?? 0)));
    },
    write: async (offset, from) => {
      const name = offset < 76 ? fieldAt(offset) : undefined;
      if (name !== undefined) values.set(name, decodeField(name, from));
    },
  };
  return { region, values };
}

test('a region that cannot be a migration region is refused', () => {
  const { region } = fakeRegion();
  const open = (changes: Partial<MigrationRegion>) =>
    new V1Device({ ...region, ...changes }, { reset: async () => {} });
  for (const [changes, message] of [
    [{ size: 76 }, 'a migration region of 76 bytes has no room for data after the structure of 76'],
    [{ type: 1 }, 'a region of type 1, subtype 1 is not for migration'],
    [{ mappedAreas: [{ offset: 64, size: 100 }] }, 'the mapped area [64, +100] overlaps the structure'],
    [
      { mappedAreas: [{ offset: 4096, size: 8192 }] },
      'the mapped area [4096, +8192] is not in the region of 8192 bytes',
    ],
    [
      {
        mappedAreas: [
          { offset: 6000, size: 100 },
          { offset: 4096, size: 2000 },
        ],
      },
      'the mapped area [6000, +100] overlaps the mapped area [4096, +2000]',
    ],
  ] as const) {
    assert.throws(() => open(changes), { name: 'VfioError', code: 'EINVAL', message });
  }
});

test('a driver that answers nonsense is found out by field and value', async () => {
  const open = (answers: Parameters<typeof fakeRegion>[0]) =>
    new V1Device(fakeRegion(answers).region, { reset: async () => {} });
  const answersFailed = open({
    device_state: (value) => (value === V1State.MIGRATION_PRECOPY ? V1State.MIGRATION_FAILED : value),
  });
  await assert.rejects(answersFailed.setState(PRE_COPY), {
    code: 'EIO',
    message:
      'the transition running->pre-copy failed: device_state: asked for MIGRATION_PRECOPY (3), the device answers MIGRATION_FAILED (8)',
  });
  assert.equal(answersFailed.state, ERROR);
  await answersFailed.reset();
  assert.equal(answersFailed.state, RUNNING);

  const noState = open({ device_state: (value) => (value === V1State.NONE ? 99 : value) });
  await assert.rejects(noState.setState(STOP), {
    message: /device_state: the device answers 99, which is no state/,
  });

  const outside = open({
    'pending.compatible': () => 100,
    'data.offset': () => 8000,
    'data.size': () => 500,
  });
  await outside.setState(STOP_COPY);
  await assert.rejects(async () => void (await drain(outside)), {
    code: 'EIO',
    message: 'data.offset 8000 and data.size 500 are not in the data part [76, 8192) of the region',
  });
  await outside.setState(RUNNING);

  const stuck = open({ 'pending.compatible': () => 100, 'data.size': () => 10 });
  await stuck.setState(STOP_COPY);
  await assert.rejects(async () => void (await drain(stuck)), {
    code: 'EIO',
    message:
      'pending.precopy_only 0, compatible 100 and postcopy_only 0 do not fall, though 16 buffers were read',
  });
  await stuck.setState(RUNNING);

  const greedy = open({ 'dirty_pfns.copied': () => 1000 });
  await greedy.dmaLogging.start([{ iova: 0, length: 1 << 20 }], 4096);
  await assert.rejects(greedy.dmaLogging.report(0, 1 << 20, 4096, new Uint32Array(8)), {
    code: 'EIO',
    message: 'dirty_pfns.copied is 1000, but only 256 pages were left to report',
  });
});

test('a device in any state its region tells is taken over and run', async () => {
  for (const state of [
    V1State.NONE,
    V1State.MIGRATION_PRECOPY,
    V1State.MIGRATION_FAILED,
    V1State.MIGRATION_RESUME,
  ]) {
    const { region, values } = fakeRegion();
    values.set('device_state', state);
    const device = await V1Device.open(region, { reset: async () => {} });
    assert.equal(device.state, RUNNING);
    assert.equal(values.get('device_state'), V1State.RUNNING);
  }
});

test('v1 has no P2P states: asking for them is refused when the device is made', () => {
  const environment = { clock: rig('nic').clock, random: () => 0.5 };
  assert.throws(() => createModel('nic', { protocol: 'v1', p2p: 'on' }, environment), {
    name: 'PropertyError',
    property: 'p2p',
  });
  assert.deepEqual(createModel('nic', { ...V1, 'state-size': 8192 }, environment).flags, {
    p2p: false,
    preCopy: true,
  });
});

test('a device that starts over is seen by its precopy_only, which only falls otherwise', async () => {
  for (const model of ['gpu', 'nic']) {
    const { device, clock } = rig(model, { ...V1, 'dirty-rate': '1M', 'reinit-after': 50 });
    await device.setState(PRE_COPY);
    const buffer = new Uint8Array(3000);
    const reinits: number[] = [];
    let last = Infinity;
    for (let time = 0; time < 100; time++) {
      const { initialBytes, reinit } = await device.precopyInfo();
      assert.equal(initialBytes > last, reinit, `after ${time} ms`);
      if (reinit) reinits.push(time);
      last = initialBytes;
      await device.readData(buffer);
      await clock.advance(1);
    }
    assert.deepEqual(reinits, [50]);
    device.close();
  }
});

test('the driver asks the device for counts only near the threshold that user space told it', async () => {
  const { device } = rig('gpu', { 'state-size': 65536 });
  let asked = 0;
  const dataSize = device.dataSize.bind(device);
  device.dataSize = () => {
    asked++;
    return dataSize();
  };
  const user = new RegionUser(
    new VendorDriver(new DeviceLogic(device), { areaSize: 8192, mapped: true }),
    V1State.RUNNING,
  );
  await user.setState(V1State.MIGRATION_SETUP);
  await user.setState(V1State.MIGRATION_STOPNCOPY);
  const total = await dataSize();
  let taken = 0;
  for (;;) {
    const before = asked;
    const { postcopyOnly } = await user.pending(20_000);
    if (postcopyOnly > 20_000 && taken > 0) {
      assert.equal(asked, before);
      assert.equal(postcopyOnly, total - taken);
    } else {
      assert.equal(asked, before + 1);
      assert.equal(postcopyOnly, await dataSize());
      asked--;
    }
    if (postcopyOnly === 0) break;
    taken += (await user.getBuffer()).size;
  }
  assert.ok(taken >= total);
  const again = await user.pending(0);
  assert.equal(again.postcopyOnly, 0);
  device.close();
});

test('what a stopped driver still has of precopy_only is read, and not waited for', async () => {
  for (const buffers of [0, 3]) {
    let given = 0;
    const { region } = fakeRegion({
      'pending.precopy_only': () => 50 - 10 * Math.min(given, buffers),
      'data.size': () => (given++ < buffers ? 10 : 0),
    });
    const device = new V1Device(region, { reset: async () => {} });
    await device.setState(STOP_COPY);
    const stream = Buffer.concat(await drain(device));
    // Two frame heads of configuration and end, and one for each buffer.
    assert.equal(stream.length, 16 + buffers * 18);
    await device.setState(STOP);
    await device.setState(RUNNING);
  }
});
