import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ARCS, arcName, COMMON_REGISTERS, DeviceState, stateName, wrongDmaPages } from '../src/index.js';
import { drain, readRegister, rig, saved, TestMemory, writeRegister } from './rig.js';

const { ERROR, STOP, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P } = DeviceState;

test('initial bytes start above zero and fall, dirty bytes start at zero and follow what the device rewrites', async () => {
  const { device, clock } = rig('nic', { 'dirty-rate': 4096 * 100 });
  await device.setState(PRE_COPY);
  const first = await device.precopyInfo();
  assert.ok(first.initialBytes >= 16 * 4096);
  assert.equal(first.dirtyBytes, 0);
  await device.readData(new Uint8Array(5 * 4096));
  const second = await device.precopyInfo();
  assert.ok(second.initialBytes < first.initialBytes && second.initialBytes > 0);
  await drain(device);
  assert.deepEqual(await device.precopyInfo(), { initialBytes: 0, dirtyBytes: 0, reinit: false });
  assert.deepEqual(await device.readData(new Uint8Array(16)), { kind: 'empty' });
  await clock.advance(30);
  const third = await device.precopyInfo();
  assert.equal(third.initialBytes, 0);
  assert.ok(third.dirtyBytes >= 4096 && third.dirtyBytes <= 3 * 4096);
  device.close();
});

test('in STOP_COPY the stream ends and never pauses', async () => {
  const { device } = rig('nic', { 'dirty-rate': 4096 * 100 });
  await device.setState(PRE_COPY);
  await drain(device);
  await device.setState(STOP_COPY);
  assert.ok((await device.dataSize()) > 0);
  await drain(device);
  assert.deepEqual(await device.readData(new Uint8Array(16)), { kind: 'end' });
  assert.deepEqual(await device.readData(new Uint8Array(16)), { kind: 'end' });
  assert.equal(await device.dataSize(), 0);
  device.close();
});

test('the data size is what STOP_COPY then gives, within the framing', async () => {
  const { device } = rig('block');
  const estimate = await device.dataSize();
  const { length } = await saved(device);
  assert.ok(Math.abs(length - estimate) < 200, `${length} read, ${estimate} estimated`);
});

test('data and pre-copy information are refused wherever no stream is open', async () => {
  const { device } = rig('nic');
  for (const state of [RUNNING, RUNNING_P2P, STOP, RESUMING]) {
    await device.setState(state);
    await assert.rejects(device.readData(new Uint8Array(1)), { code: 'EINVAL' }, stateName(state));
    await assert.rejects(device.precopyInfo(), { code: 'EINVAL' }, stateName(state));
    if (state !== RESUMING) await assert.rejects(device.writeData(new Uint8Array(1)), { code: 'EINVAL' });
  }
  await device.reset();
  await device.setState(STOP_COPY);
  await assert.rejects(device.precopyInfo(), { code: 'EINVAL' });
  await assert.rejects(device.writeData(new Uint8Array(1)), { code: 'EINVAL' });
  await assert.rejects(device.readData(new Uint8Array(0)), { code: 'EINVAL' });
});

test('REINIT: the device starts over once, with new contents and a whole first pass', async () => {
  const { device, clock } = rig('gpu', { 'reinit-after': 50 });
  await device.setState(PRE_COPY);
  const before = (await device.precopyInfo()).initialBytes;
  await drain(device);
  await clock.advance(50);
  const after = await device.precopyInfo();
  assert.equal(after.reinit, true);
  assert.ok(after.initialBytes >= 16 * 4096 && after.initialBytes <= before);
  assert.equal((await device.precopyInfo()).reinit, false);
  const again = await drain(device);
  assert.ok(Buffer.concat(again).length >= 16 * 4096);
  await clock.advance(500);
  assert.equal((await device.precopyInfo()).initialBytes, 0);
  device.close();
  assert.equal(clock.pendingTimers, 0);
});

test('a stopped device neither rewrites its memory nor writes to the guest, and refuses writes', async () => {
  const { device, clock, memory } = rig('nic', {
    'dirty-rate': '4M',
    'dma-rate': '4M',
    'dma-address': 65536,
    'dma-size': 65536,
  });
  await clock.advance(50);
  assert.ok(memory.writes > 0);
  for (const state of [STOP, STOP_COPY, RESUMING]) {
    await device.setState(state);
    const mutations = readRegister(device, COMMON_REGISTERS.MUTATIONS.offset);
    const { writes } = memory;
    assert.equal(clock.pendingTimers, 0);
    await clock.advance(100);
    assert.equal(readRegister(device, COMMON_REGISTERS.MUTATIONS.offset), mutations);
    assert.equal(memory.writes, writes);
    assert.throws(() => writeRegister(device, COMMON_REGISTERS.SCRATCH0.offset, 1), { code: 'EBUSY' });
  }
  device.close();
});

test('in the P2P states a device runs but initiates no DMA', async () => {
  for (const state of [RUNNING_P2P, PRE_COPY_P2P]) {
    const { device, clock, memory } = rig('nic', {
      'dirty-rate': '4M',
      'dma-rate': '4M',
      'dma-address': 0,
      'dma-size': 65536,
    });
    await device.setState(state);
    await clock.advance(100);
    assert.equal(memory.writes, 0);
    assert.ok(readRegister(device, COMMON_REGISTERS.MUTATIONS.offset) > 0);
    writeRegister(device, COMMON_REGISTERS.SCRATCH0.offset, 5);
    await device.setState(RUNNING);
    await clock.advance(100);
    assert.ok(memory.writes > 0);
    device.close();
  }
});

test('the DMA window shows lost, torn and repeated pages, and every write is logged', async () => {
  const memory = new TestMemory(1 << 20);
  const { device, clock } = rig(
    'crypto',
    { 'dma-rate': '1M', 'dma-address': 8192, 'dma-size': 16384 },
    { memory },
  );
  await device.dmaLogging.start([{ iova: 0, length: 1 << 20 }], 4096);
  await clock.advance(100);
  await device.setState(STOP);
  const last = readRegister(device, COMMON_REGISTERS.DMA_PAGES.offset);
  assert.ok(last > 4);
  assert.deepEqual(wrongDmaPages(memory, { base: 8192, length: 16384 }, last), []);
  const bitmap = new Uint32Array(8);
  await device.dmaLogging.report(0, 1 << 20, 4096, bitmap);
  assert.equal(bitmap[0], 0b111100);
  memory.bytes[8192 + 5000]! ^= 1;
  assert.equal(wrongDmaPages(memory, { base: 8192, length: 16384 }, last).length, 1);
  device.close();
});

test('DMA outside of memory is counted, not fatal', async () => {
  const { device, clock } = rig('crypto', { 'dma-rate': '1M', 'dma-address': '1G', 'dma-size': 16384 });
  await clock.advance(50);
  assert.ok(readRegister(device, COMMON_REGISTERS.DMA_FAULTS.offset) > 0);
  assert.equal(device.state, RUNNING);
  device.close();
});

test('every transition takes its latency, and the device is where it was until then', async () => {
  const { device, clock } = rig('nic', { latency: 10, 'latency-running-p2p-to-stop': 100 });
  const done = device.setState(STOP);
  await clock.advance(9);
  assert.equal(device.state, RUNNING);
  await clock.advance(1);
  assert.equal(device.state, RUNNING_P2P);
  await assert.rejects(device.setState(RUNNING), { code: 'EBUSY' });
  await clock.advance(99);
  assert.equal(device.state, RUNNING_P2P);
  await clock.advance(1);
  await done;
  assert.equal(device.state, STOP);
});

test('a reset cuts a transition short, ends the streams, and runs with fresh contents from any state', async () => {
  for (const state of [STOP, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P]) {
    const { device, clock } = rig('nic', { 'reinit-after': 1000 });
    writeRegister(device, COMMON_REGISTERS.SCRATCH1.offset, 77);
    await device.setState(state);
    await device.reset();
    assert.equal(device.state, RUNNING, stateName(state));
    assert.equal(readRegister(device, COMMON_REGISTERS.SCRATCH1.offset), 0);
    await assert.rejects(device.readData(new Uint8Array(1)), { code: 'EINVAL' });
    assert.equal(clock.pendingTimers, 0);
  }
  const { device, clock } = rig('nic', { latency: 50 });
  const cut = assert.rejects(device.setState(STOP), { code: 'ECANCELED' });
  await clock.advance(60);
  await device.reset();
  await cut;
  assert.equal(device.state, RUNNING);
  assert.equal(clock.pendingTimers, 0);
});

test('a closed device has no timers and answers ENODEV', async () => {
  const { device, clock } = rig('gpu', {
    'dirty-rate': '1M',
    'dma-rate': '1M',
    'reinit-after': 5,
    latency: 5,
  });
  const moving = assert.rejects(device.setState(PRE_COPY_P2P), { code: 'ENODEV' });
  await clock.advance(7);
  device.close();
  device.close();
  await moving;
  assert.equal(clock.pendingTimers, 0);
  await assert.rejects(device.setState(STOP), { code: 'ENODEV' });
  await assert.rejects(device.reset(), { code: 'ENODEV' });
});

for (const { from, to } of ARCS) {
  test(`a fault on ${arcName(from, to)} leaves the device where it was, then the way is open`, async () => {
    const flags = arcFlags(from, to);
    const { device } = rig('nic', { ...flags, 'fail-arc': arcName(from, to) });
    await device.setState(from);
    if (from === RESUMING) await device.writeData(await saved(rig('nic', flags).device));
    await assert.rejects(device.setState(to), {
      code: 'EIO',
      message: `the transition ${arcName(from, to)} failed`,
    });
    assert.equal(device.state, from);
    await device.setState(to);
    assert.equal(device.state, to);
  });

  test(`a fault on ${arcName(from, to)} can leave the device in the error state until a reset`, async () => {
    const { device } = rig('nic', {
      ...arcFlags(from, to),
      'fail-arc': arcName(from, to),
      'fail-leaves': 'error',
      'fail-count': 0,
    });
    await device.setState(from);
    await assert.rejects(device.setState(to), { code: 'EIO' });
    assert.equal(device.state, ERROR);
    await assert.rejects(device.setState(RUNNING), { code: 'EINVAL' });
    await device.reset();
    assert.equal(device.state, RUNNING);
  });
}

/** The flags with which that arc is a single step. */
function arcFlags(from: DeviceState, to: DeviceState): { p2p: boolean; 'pre-copy': boolean } {
  const skips = ['running->stop', 'stop->running', 'pre-copy->stop-copy'].includes(arcName(from, to));
  return { p2p: !skips, 'pre-copy': true };
}

test('a failed transition of several arcs stops in between', async () => {
  const { device } = rig('nic', { 'fail-arc': 'stop->stop-copy' });
  await assert.rejects(device.setState(STOP_COPY), { code: 'EIO' });
  assert.equal(device.state, STOP);
});

test('a failed arc can kill the open stream', async () => {
  const { device } = rig('nic', { 'fail-arc': 'pre-copy-p2p->stop-copy', 'fail-stream': 'on' });
  await device.setState(PRE_COPY);
  await device.readData(new Uint8Array(100));
  await assert.rejects(device.setState(STOP_COPY), { code: 'EIO' });
  assert.equal(device.state, PRE_COPY_P2P);
  await assert.rejects(device.readData(new Uint8Array(100)), { code: 'EIO' });
  await device.setState(RUNNING);
  await device.setState(STOP_COPY);
  assert.ok((await drain(device)).length > 0);
});

test('reading fails at the byte it is told to, for good', async () => {
  const { device } = rig('block', { 'fail-read-at': 10_000 });
  await device.setState(STOP_COPY);
  const chunks: number[] = [];
  await assert.rejects(
    async () => {
      for (;;) {
        const result = await device.readData(new Uint8Array(4096));
        if (result.kind !== 'data') break;
        chunks.push(result.length);
      }
    },
    { code: 'EIO', message: 'the data stream fails at byte 10000' },
  );
  assert.deepEqual(chunks, [4096, 4096, 1808]);
  await assert.rejects(device.readData(new Uint8Array(1)), { code: 'EIO' });
});

test('writing fails at the byte it is told to, and the device cannot be used before a reset', async () => {
  const stream = await saved(rig('block').device);
  const { device } = rig('block', { 'fail-write-at': 10_000 });
  await device.setState(RESUMING);
  await device.writeData(stream.subarray(0, 10_000));
  await assert.rejects(device.writeData(stream.subarray(10_000)), { code: 'EIO' });
  await assert.rejects(device.setState(STOP), { code: 'EIO' });
  assert.equal(device.state, ERROR);
});

test('a stream corrupted on its way out is refused at the other end', async () => {
  const stream = await saved(rig('crypto', { 'corrupt-at': 33_000 }).device);
  const { device } = rig('crypto');
  await device.setState(RESUMING);
  await assert.rejects(device.writeData(stream), {
    code: 'EINVAL',
    message: /checksum of record 1 is wrong/,
  });
});
