import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { native, nativeUnavailableReason } from '@godwit/native';
import { DescriptorTransport, QmpServer } from '../src/index.js';
import { Delivery, type Recipient } from '../src/server/delivery.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';

const withoutAddon = native === undefined ? `there is no addon: ${nativeUnavailableReason}` : false;

/** A client that reads what it was sent `slowMs` later. */
class Reader implements Recipient {
  readonly #clock: VirtualClock;
  readonly #slowMs: number;
  #readAt = 0;
  flushes = 0;

  constructor(clock: VirtualClock, slowMs: number) {
    this.#clock = clock;
    this.#slowMs = slowMs;
  }

  get allRead(): boolean {
    return this.#clock.now() >= this.#readAt;
  }

  flush(): void {
    this.flushes++;
    this.#readAt = this.#clock.now() + this.#slowMs;
  }
}

/** For how many virtual milliseconds a delivery waits. */
async function waited(clock: VirtualClock, work: Promise<void> | undefined): Promise<number> {
  const startedAt = clock.now();
  let done = work === undefined;
  void work?.then(() => {
    done = true;
  });
  // At first it looks again at every turn of the event loop, in which no virtual time passes.
  for (let turn = 0; !done && turn < 1000; turn++) await new Promise(setImmediate);
  while (!done) await clock.advance(1);
  return clock.now() - startedAt;
}

test('nobody is waited for where everybody has read, and what is queued is sent', () => {
  const clock = new VirtualClock();
  const reader = new Reader(clock, 0);
  assert.equal(new Delivery(clock).deliver([reader]), undefined);
  assert.equal(reader.flushes, 1);
});

test('a delivery ends when the slowest client has read', async () => {
  const clock = new VirtualClock();
  const readers = [3, 7, 0].map((slowMs) => new Reader(clock, slowMs));
  assert.equal(await waited(clock, new Delivery(clock).deliver(readers)), 7);
});

test('a client that does not read is waited for once, until it has caught up', async () => {
  const clock = new VirtualClock();
  const stopped = {
    allRead: true,
    flush() {
      this.allRead = false;
    },
  };
  const delivery = new Delivery(clock);
  assert.equal(await waited(clock, delivery.deliver([stopped])), 100);
  await clock.advance(10_000);
  assert.equal(delivery.deliver([stopped]), undefined);
  // Another one still is.
  assert.equal(await waited(clock, delivery.deliver([stopped, new Reader(clock, 5)])), 5);
  stopped.allRead = true;
  assert.equal(await waited(clock, delivery.deliver([stopped])), 100);
});

test('clients that are slow again and again cannot hold anything up for long', async () => {
  const clock = new VirtualClock();
  const delivery = new Delivery(clock);
  let total = 0;
  for (let notice = 0; notice < 20; notice++) {
    total += await waited(clock, delivery.deliver([new Reader(clock, 60)]));
  }
  assert.ok(total < 400, `${total} ms`);
  await clock.advance(1000);
  assert.equal(await waited(clock, delivery.deliver([new Reader(clock, 60)])), 60);
});

test('an event over a unix socket has been read when its delivery ends', { skip: withoutAddon }, async () => {
  const clock = new VirtualClock();
  const server = new QmpServer({ dispatcher: new SampleDispatcher(), clock });
  const [near, far] = native!.socketpair();
  const ended = server.addMonitor({ label: 'mon' }).attach(new DescriptorTransport(near, native!));
  const read = () => native!.recvmsg(far, Buffer.alloc(65536)).length;
  while (read() <= 0) await new Promise(setImmediate);
  native!.sendmsg(far, [Buffer.from('{"execute": "qmp_capabilities"}')], []);
  while (read() <= 0) await new Promise(setImmediate);
  server.events.emit('STOP');
  let delivered = false;
  const delivery = server.deliver()?.then(() => {
    delivered = true;
  });
  assert.ok(delivery !== undefined);
  await new Promise(setImmediate);
  assert.equal(delivered, false);
  assert.ok(read() > 0);
  await delivery;
  native!.close(far);
  await ended;
  server.events.emit('RESUME');
  assert.equal(server.deliver(), undefined);
  server.close();
});
