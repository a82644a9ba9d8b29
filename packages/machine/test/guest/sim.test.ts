import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { COMMON_REGISTERS } from '@godwit/vfio';
import { PAGE_SIZE } from '../../src/memory/guest-memory.js';
import { MIB, move, simMachine } from './sim-machine.js';

const intact = { lost: 0, torn: 0, repeated: 0 };

test('a guest dirties memory at its rate and finds all of it whole', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: 8 * MIB });
  machine.sim.start();
  await clock.advance(1000);
  const report = machine.sim.report();
  assert.ok(Math.abs(report.pagesWritten - 2048) <= 20, `${report.pagesWritten} pages`);
  assert.equal(report.pagesChecked, report.pagesWritten);
  await machine.sim.pause();
  assert.deepEqual(await machine.sim.audit(), { pages: 512, ...intact });
  await machine.close();
  assert.equal(clock.pendingTimers, 0);
});

test('a guest without a rate idles, and works when it is given one', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock);
  machine.sim.start();
  await clock.advance(1000);
  assert.equal(machine.sim.report().pagesWritten, 0);
  machine.sim.setDirtyRate(4 * MIB);
  await clock.advance(1000);
  assert.ok(machine.sim.report().pagesWritten > 1000);
  assert.throws(() => machine.sim.setDirtyRate(-1), /a dirty rate of -1/);
});

test('throttling slows the guest by its percentage until tracking stops', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: 4 * MIB });
  const pagesIn = async (ms: number) => {
    const before = machine.sim.report().pagesWritten;
    await clock.advance(ms);
    return machine.sim.report().pagesWritten - before;
  };
  machine.sim.start();
  await clock.advance(10);
  machine.sim.dirtyLog.start();
  machine.sim.dirtyLog.throttle?.(75);
  assert.ok(Math.abs((await pagesIn(1000)) - 256) <= 10);
  machine.sim.dirtyLog.stop();
  assert.ok(Math.abs((await pagesIn(1000)) - 1024) <= 10);
});

test('every page that is written is in the dirty log, and no other', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: MIB });
  const before = machine.memory.segments.map(({ bytes }) => bytes.slice());
  machine.sim.start();
  await clock.advance(200);
  await machine.sim.pause();
  const dirty = new Uint32Array(machine.memory.pages / 32);
  machine.sim.dirtyLog.collect(dirty);
  for (let page = 0; page < 512; page++) {
    const start = (page % 256) * PAGE_SIZE;
    const segment = Math.floor(page / 256);
    const now = machine.memory.segments[segment]!.bytes.subarray(start, start + PAGE_SIZE);
    const changed = Buffer.compare(now, before[segment]!.subarray(start, start + PAGE_SIZE)) !== 0;
    assert.equal(((dirty[page >>> 5]! >>> (page & 31)) & 1) === 1, changed, `page ${page}`);
  }
});

test('RAM outside of the working set is filled at power-on where asked, and audited too', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { fill: true });
  assert.equal(machine.sim.report().ready, false);
  machine.sim.start();
  await clock.advance(100);
  assert.equal(machine.sim.report().ready, true);
  assert.deepEqual(await machine.sim.audit(), { pages: 512 + 384, ...intact });
  machine.memory.segments[2]!.bytes[PAGE_SIZE + 99]! ^= 1;
  machine.memory.segments[3]!.bytes.fill(0, 0, PAGE_SIZE);
  assert.deepEqual(await machine.sim.audit(), { pages: 896, ...intact, torn: 1, lost: 1 });
});

test('a guest goes on elsewhere where it stopped, and notices nothing', async (context) => {
  const clock = new VirtualClock();
  const source = await simMachine(context, clock, { dirtyRate: 8 * MIB, fill: true });
  const destination = await simMachine(context, clock, { dirtyRate: 8 * MIB, fill: true });
  source.sim.start();
  await clock.advance(333);
  await source.sim.pause();
  move(source, destination);
  assert.deepEqual(destination.sim.report(), source.sim.report());
  destination.sim.start();
  await clock.advance(500);
  const { pagesWritten, lost, torn, repeated } = destination.sim.report();
  assert.ok(pagesWritten > source.sim.report().pagesWritten + 900);
  assert.deepEqual({ lost, torn, repeated }, intact);
  assert.deepEqual(await destination.sim.audit(), { pages: 896, ...intact });
});

test('a write that did not arrive is lost, found by audit and by the guest itself', async (context) => {
  const clock = new VirtualClock();
  const source = await simMachine(context, clock, { dirtyRate: 8 * MIB });
  const destination = await simMachine(context, clock, { dirtyRate: 8 * MIB });
  source.sim.start();
  await clock.advance(400);
  const old = source.memory.segments[0]!.bytes.slice(7 * PAGE_SIZE, 8 * PAGE_SIZE);
  await clock.advance(400);
  await source.sim.pause();
  move(source, destination);
  destination.memory.segments[0]!.bytes.set(old, 7 * PAGE_SIZE);
  assert.deepEqual(await destination.sim.audit(), { pages: 512, ...intact, lost: 1 });
  destination.sim.start();
  await clock.advance(400);
  assert.equal(destination.sim.report().lost, 1);
  assert.deepEqual(await destination.sim.audit(), { pages: 512, ...intact });
});

test('a page of two times is torn', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: 8 * MIB });
  machine.sim.start();
  await clock.advance(400);
  const old = machine.memory.segments[0]!.bytes.slice(0, PAGE_SIZE / 2);
  await clock.advance(400);
  await machine.sim.pause();
  machine.memory.segments[0]!.bytes.set(old);
  assert.deepEqual(await machine.sim.audit(), { pages: 512, ...intact, torn: 1 });
  machine.sim.start();
  await clock.advance(400);
  assert.equal(machine.sim.report().torn, 1);
});

test('a vCPU state older than memory makes the later writes repeated ones', async (context) => {
  const clock = new VirtualClock();
  const source = await simMachine(context, clock, { dirtyRate: 2 * MIB });
  const destination = await simMachine(context, clock, { dirtyRate: 2 * MIB });
  source.sim.start();
  await clock.advance(500);
  await source.sim.pause();
  const early = source.sim.sections().map((section) => section.save());
  const before = source.sim.report().pagesWritten;
  source.sim.start();
  await clock.advance(100);
  await source.sim.pause();
  const later = source.sim.report().pagesWritten - before;
  move(source, destination);
  destination.sim.sections().forEach((section, index) => {
    section.load(early[index]!, section.version);
  });
  assert.deepEqual(await destination.sim.audit(), { pages: 512, ...intact, repeated: later });
  destination.sim.start();
  await clock.advance(300);
  assert.equal(destination.sim.report().repeated, later);
});

test('the guest uses its devices and notices a register that changed behind its back', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: 64 * MIB });
  machine.sim.start();
  await clock.advance(1000);
  const { deviceAccesses, deviceFaults, deviceInterrupts } = machine.sim.report();
  assert.ok(deviceAccesses >= 10);
  // Every turn of vCPU 0 rings the doorbell, and an interrupt answers it.
  assert.ok(deviceInterrupts >= deviceAccesses / 2 - 1);
  assert.equal(deviceFaults, 0);
  machine.device.regions[0]!.write(COMMON_REGISTERS.SCRATCH1.offset, Uint8Array.of(1, 2, 3, 4));
  await clock.advance(1000);
  assert.equal(machine.sim.report().deviceFaults, 1);
});

test('devices are lent memory for DMA, and an audit finds their blocks and pages whole', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: 4 * MIB });
  machine.sim.start();
  await clock.advance(500);
  const [audit] = await machine.sim.auditDevices();
  assert.ok(audit !== undefined);
  assert.ok(audit.blocks > 0);
  assert.ok(audit.dmaPages > 0);
  assert.deepEqual([audit.errors, audit.dmaErrors], [0, 0]);
  const { dma } = machine.sim.layout;
  machine.memory.segments[3]!.bytes[(dma.first % 256) * PAGE_SIZE]! ^= 1;
  assert.equal((await machine.sim.auditDevices())[0]?.dmaErrors, 1);
  assert.deepEqual(await machine.sim.audit(), { pages: 512, ...intact });
});

test('each finished round is told to the serial port', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: 4 * MIB });
  machine.sim.start();
  await clock.advance(600);
  assert.equal(
    machine.serialOutput(),
    'vcpu 0: pass 1, 256 pages, no faults\r\nvcpu 1: pass 1, 256 pages, no faults\r\n',
  );
});

test('reset brings the vCPUs to power-on, and what the guest before it left in RAM is no fault', async (context) => {
  const clock = new VirtualClock();
  const machine = await simMachine(context, clock, { dirtyRate: 4 * MIB });
  machine.sim.start();
  await clock.advance(100);
  await machine.sim.pause();
  machine.sim.reset();
  assert.equal(machine.sim.report().pagesWritten, 0);
  assert.deepEqual(await machine.sim.audit(), { pages: 0, ...intact });
  machine.sim.start();
  await clock.advance(700);
  await machine.sim.pause();
  const { pagesWritten, pagesChecked, lost, torn, repeated } = machine.sim.report();
  assert.ok(pagesChecked > 0 && pagesChecked < pagesWritten);
  assert.deepEqual({ lost, torn, repeated }, intact);
  assert.deepEqual(await machine.sim.audit(), { pages: 512, ...intact });
});

test('vCPU states that are no states are refused by name and leave the vCPU as it was', async (context) => {
  const machine = await simMachine(context, new VirtualClock());
  const section = machine.sim.sections()[1]!;
  const state = section.save();
  assert.throws(() => section.load(state.subarray(8), 1), /cpu\/1: \d+ bytes instead of \d+/);
  assert.throws(() => section.load(state, 2), /cpu\/1: version 2 is not known/);
  const absurd = state.slice().fill(0xff, 8, 16);
  assert.throws(
    () => section.load(absurd, 1),
    /cpu\/1: register steps of 18446744073709551615 is out of range/,
  );
  assert.deepEqual(section.save(), state);
});
