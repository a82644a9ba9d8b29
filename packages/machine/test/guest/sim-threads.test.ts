import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { type Clock, SystemClock } from '@godwit/clock';
import { native } from '@godwit/native';
import { layoutGuest } from '../../src/guest/layout.js';
import type { Sim } from '../../src/guest/sim.js';
import { ThreadVcpu } from '../../src/guest/thread-vcpu.js';
import { Bus } from '../../src/memory/bus.js';
import type { GuestMemory } from '../../src/memory/guest-memory.js';
import { Mc146818 } from '../../src/rtc/mc146818.js';
import { RtcReference } from '../../src/rtc/reference.js';
import { RTC_PORT, RTC_PORTS } from '../../src/rtc/registers.js';
import { MIB, move, simMachine } from './sim-machine.js';

const clock = new SystemClock();
const intact = { lost: 0, torn: 0, repeated: 0 };

/** Waits, on turns of the event loop, until the guest has written so many more pages. */
async function pagesMore(sim: Sim, count: number): Promise<void> {
  const target = sim.report().pagesWritten + count;
  while (sim.report().pagesWritten < target) await new Promise((resolve) => setImmediate(resolve));
}

/** Of all RAM but the last segment, to which the device writes. */
function digest(memory: GuestMemory): string {
  const hash = createHash('sha1');
  for (const { bytes } of memory.segments.slice(0, -1)) hash.update(bytes);
  return hash.digest('hex');
}

for (const backing of [
  { name: 'a memfd', native, skip: native === undefined ? 'needs the addon' : false },
  { name: 'a SharedArrayBuffer', native: undefined, skip: false },
]) {
  test(`after a pause no vCPU thread writes to ${backing.name} any more`, {
    skip: backing.skip,
  }, async (context) => {
    const machine = await simMachine(context, clock, {
      threads: true,
      dirtyRate: 400 * MIB,
      native: backing.native,
    });
    const { sim, memory } = machine;
    const dirty = new Uint32Array(memory.pages / 32);
    for (let round = 0; round < 10; round++) {
      sim.start();
      await pagesMore(sim, 200);
      await sim.pause();
      const still = digest(memory);
      const state = sim.sections().map((section) => section.save());
      sim.dirtyLog.collect(dirty.fill(0));
      assert.deepEqual(await sim.audit(), { pages: 512, ...intact });
      assert.equal(digest(memory), still);
      assert.deepEqual(
        sim.sections().map((section) => section.save()),
        state,
      );
      sim.dirtyLog.collect(dirty.fill(0));
      assert.ok(dirty.every((word) => word === 0));
    }
  });
}

test('RAM copied in rounds while the threads write, and at last paused, is whole on the other side', async (context) => {
  const source = await simMachine(context, clock, {
    threads: true,
    dirtyRate: 400 * MIB,
    native,
    fill: true,
  });
  const destination = await simMachine(context, clock, { threads: true, native, fill: true });
  const words = source.memory.pages / 32;
  const copyDirty = (dirty: Uint32Array) => {
    for (let page = 0; page < source.memory.pages; page++) {
      if (((dirty[page >>> 5]! >>> (page & 31)) & 1) === 0) continue;
      const [segment, start] = [page >>> 8, (page & 255) * 4096];
      destination.memory.segments[segment]!.bytes.set(
        source.memory.segments[segment]!.bytes.subarray(start, start + 4096),
        start,
      );
    }
  };
  source.sim.start();
  await pagesMore(source.sim, 1000);
  source.sim.dirtyLog.start();
  copyDirty(new Uint32Array(words).fill(0xffffffff));
  for (let round = 0; round < 30; round++) {
    await pagesMore(source.sim, 50);
    const dirty = new Uint32Array(words);
    source.sim.dirtyLog.collect(dirty);
    copyDirty(dirty);
  }
  await source.sim.pause();
  const last = new Uint32Array(words);
  source.sim.dirtyLog.collect(last);
  copyDirty(last);
  destination.sim.sections().forEach((section, index) => {
    section.load(source.sim.sections()[index]!.save(), section.version);
  });
  assert.deepEqual(await destination.sim.audit(), { pages: 896, ...intact });
});

test('audits of a running guest see it between two of its writes', async (context) => {
  const machine = await simMachine(context, clock, { threads: true, dirtyRate: 400 * MIB, native });
  machine.sim.start();
  for (let round = 0; round < 10; round++) {
    await pagesMore(machine.sim, 20);
    assert.deepEqual(await machine.sim.audit(), { pages: 512, ...intact });
  }
});

test('a lost page is found by the threads too', async (context) => {
  const source = await simMachine(context, clock, { threads: true, dirtyRate: 200 * MIB, native });
  const destination = await simMachine(context, clock, { threads: true, dirtyRate: 200 * MIB, native });
  source.sim.start();
  // The page below is the second vCPU's, and must have been written.
  while (!source.serialOutput().includes('vcpu 1: pass 1,')) await pagesMore(source.sim, 50);
  await source.sim.pause();
  move(source, destination);
  destination.memory.segments[1]!.bytes.fill(0, 0, 4096);
  assert.deepEqual(await destination.sim.audit(), { pages: 512, ...intact, lost: 1 });
  destination.sim.start();
  for (let more = 0; more < 50 && destination.sim.report().lost === 0; more++)
    await pagesMore(destination.sim, 200);
  assert.equal(destination.sim.report().lost, 1);
});

test('threads use devices and the serial port, and no access is lost over pauses', async (context) => {
  const machine = await simMachine(context, clock, { threads: true, dirtyRate: 400 * MIB, native });
  const { sim } = machine;
  for (let round = 0; round < 20; round++) {
    sim.start();
    await pagesMore(sim, 300);
    await sim.pause();
  }
  const { deviceAccesses, deviceFaults, deviceInterrupts, pagesWritten } = sim.report();
  assert.ok(deviceInterrupts > 0);
  assert.ok(deviceAccesses >= Math.floor(pagesWritten / 1024) - 1);
  assert.equal(deviceFaults, 0);
  const lines = machine.serialOutput().split('\r\n').slice(0, -1);
  for (const vcpu of [0, 1]) {
    const passes = lines.filter((line) => line.startsWith(`vcpu ${vcpu}:`));
    assert.deepEqual(
      passes,
      passes.map((_, index) => `vcpu ${vcpu}: pass ${index + 1}, 256 pages, no faults`),
    );
    assert.ok(passes.length >= 5);
  }
});

test('a guest on threads sets the clock on request', async (context) => {
  const machine = await simMachine(context, clock, { threads: true, native });
  const changes: number[] = [];
  const rtc = new Mc146818({
    reference: new RtcReference({ clock }),
    onChange: (offset) => changes.push(offset),
  });
  machine.bus.attach('port', RTC_PORT, RTC_PORTS, rtc, 'rtc');
  await assert.rejects(machine.sim.setClock(new Date()), /does not run/);
  machine.sim.start();
  const wanted = Date.UTC(2031, 4, 5, 6, 7, 8);
  await machine.sim.setClock(new Date(wanted));
  assert.equal(changes.length, 1);
  assert.ok(Math.abs(rtc.now() - wanted) < 60_000);
});

test('every vCPU has a thread of its own, with an id that the kernel knows', async (context) => {
  const before = readdirSync('/proc/self/fd').length;
  const machine = await simMachine(context, clock, { threads: true, native });
  await machine.sim.up;
  const ids = machine.sim.vcpus.map((vcpu) => vcpu.threadId);
  assert.equal(new Set([...ids, process.pid]).size, 3);
  const tasks = readdirSync('/proc/self/task');
  assert.ok(ids.every((id) => tasks.includes(String(id))));
  await machine.close();
  await machine.close();
  const after = readdirSync('/proc/self/task');
  assert.ok(ids.every((id) => !after.includes(String(id))));
  assert.ok(readdirSync('/proc/self/fd').length <= before);
});

test('a guest can be started, asked and paused before its threads are up', async (context) => {
  const machine = await simMachine(context, clock, {
    threads: true,
    dirtyRate: 400 * MIB,
    native,
    fill: true,
  });
  machine.sim.start();
  await machine.sim.pause();
  assert.deepEqual(await machine.sim.audit(), { pages: 896, ...intact });
  machine.sim.start();
  await pagesMore(machine.sim, 1000);
  assert.equal(machine.sim.report().ready, true);
});

test('a vCPU that does not stop in time is named, and the guest runs on', async (context) => {
  let impatient = false;
  const hasty: Clock = {
    now: () => clock.now(),
    wallMicroseconds: () => clock.wallMicroseconds(),
    setTimer(callback, delayMs) {
      if (!impatient) return clock.setTimer(callback, delayMs);
      queueMicrotask(callback);
      return { cancel: () => {} };
    },
  };
  const machine = await simMachine(context, hasty, { threads: true, dirtyRate: 400 * MIB, native });
  machine.sim.start();
  await pagesMore(machine.sim, 100);
  impatient = true;
  await assert.rejects(machine.sim.pause(), /^Error: vCPU 0 did not stop within 10000 ms$/);
  impatient = false;
  assert.equal(machine.sim.running, true);
  await pagesMore(machine.sim, 300);
  await machine.sim.pause();
  assert.deepEqual(await machine.sim.audit(), { pages: 512, ...intact });
});

test('a thread that cannot map RAM is reported by name, to whoever waits for it', async () => {
  const backing = { kind: 'memfd', fd: 1_000_000 } as const;
  const vcpu = new ThreadVcpu({
    data: {
      index: 3,
      vcpus: 4,
      layout: layoutGuest(MIB),
      fill: false,
      ram: { size: MIB, segmentBytes: MIB, backing },
      dirty: new SharedArrayBuffer(4),
    },
    bus: new Bus(),
    clock,
    pauseTimeoutMs: 1000,
    onFailure: () => assert.fail('it was never up'),
  });
  await assert.rejects(vcpu.up, /^Error: vCPU 3 failed: /);
  await assert.rejects(vcpu.pause(), /^Error: vCPU 3 failed: /);
  await assert.rejects(vcpu.audit(), /^Error: vCPU 3 failed: /);
  await vcpu.close();
});

test('a machine that is closed while its guest waits for a device does not hang', async (context) => {
  const machine = await simMachine(context, clock, { threads: true, dirtyRate: 400 * MIB, native });
  machine.sim.start();
  await pagesMore(machine.sim, 500);
  await machine.close();
  assert.equal(machine.sim.running, false);
});
