import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import type { JsonObject } from '@godwit/json';
import { EventBus } from '../src/index.js';

function startBus() {
  const clock = new VirtualClock(5_000_000);
  const bus = new EventBus(clock);
  const seen: string[] = [];
  const unsubscribe = bus.subscribe((event) => {
    const { seconds, microseconds } = event.message.timestamp as JsonObject;
    seen.push(
      `${event.name} ${JSON.stringify(event.data ?? null)} ${seconds}.${microseconds} at ${clock.now()}`,
    );
  });
  return { clock, bus, seen, unsubscribe };
}

test('an event that is not throttled goes out at once, each time', () => {
  const { bus, seen } = startBus();
  bus.emit('VFIO_MIGRATION', { n: 1 });
  bus.emit('VFIO_MIGRATION', { n: 2 });
  bus.emit('STOP', {});
  assert.deepEqual(seen, [
    'VFIO_MIGRATION {"n":1} 5.0 at 0',
    'VFIO_MIGRATION {"n":2} 5.0 at 0',
    'STOP null 5.0 at 0',
  ]);
});

test('a throttled event goes out at once, then the latest of each second with the time at which it happened', async () => {
  const { clock, bus, seen } = startBus();
  bus.emit('RTC_CHANGE', { offset: 1 });
  await clock.advance(100);
  bus.emit('RTC_CHANGE', { offset: 2 });
  await clock.advance(100);
  bus.emit('RTC_CHANGE', { offset: 3 });
  await clock.advance(1000);
  bus.emit('RTC_CHANGE', { offset: 4 });
  await clock.advance(1799);
  assert.deepEqual(seen, [
    'RTC_CHANGE {"offset":1} 5.0 at 0',
    'RTC_CHANGE {"offset":3} 5.200000 at 1000',
    'RTC_CHANGE {"offset":4} 6.200000 at 2000',
  ]);
  await clock.advance(1);
  assert.equal(clock.pendingTimers, 0);
  bus.emit('RTC_CHANGE', { offset: 5 });
  assert.equal(seen.at(-1), 'RTC_CHANGE {"offset":5} 8.0 at 3000');
});

test('buckets are kept apart by the key of the table, and an exempt event is not held back', async () => {
  const { clock, bus, seen } = startBus();
  bus.emit('VSERPORT_CHANGE', { id: 'a', open: true });
  bus.emit('VSERPORT_CHANGE', { id: 'b', open: true });
  bus.emit('VSERPORT_CHANGE', { id: 'a', open: false });
  bus.emit('BLOCK_IO_ERROR', { 'qom-path': '/x', action: 'stop' });
  bus.emit('BLOCK_IO_ERROR', { 'qom-path': '/x', action: 'stop' });
  bus.emit('WATCHDOG', { action: 'pause' });
  assert.equal(seen.length, 5);
  await clock.advance(1000);
  assert.deepEqual(seen.slice(5), ['VSERPORT_CHANGE {"id":"a","open":false} 5.0 at 1000']);
});

test('after unsubscribe and close nothing comes and no timer is left', async () => {
  const { clock, bus, seen, unsubscribe } = startBus();
  bus.emit('RTC_CHANGE', { offset: 1 });
  bus.emit('RTC_CHANGE', { offset: 2 });
  unsubscribe();
  bus.emit('STOP');
  bus.close();
  assert.equal(clock.pendingTimers, 0);
  await clock.advance(5000);
  assert.equal(seen.length, 1);
});
