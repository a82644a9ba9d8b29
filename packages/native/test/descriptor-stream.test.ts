import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { DescriptorStream } from '../src/index.js';
import { addon, needsAddon } from './addon.js';
import { openDescriptors } from './open-descriptors.js';

/** A stream that keeps all that arrives, and promises for what happens to it. */
class Collected {
  readonly stream: DescriptorStream;
  readonly fds: number[] = [];
  bytes = Buffer.alloc(0);
  drains = 0;
  readonly ended: Promise<void>;
  readonly closed: Promise<Error | undefined>;
  readonly #waiting: { length: number; resolve: () => void }[] = [];

  constructor(fd: number, options: { highWaterMark?: number } = {}) {
    let onEnd: () => void = () => undefined;
    let onClosed: (error: Error | undefined) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      onEnd = resolve;
    });
    this.closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    const into = Buffer.alloc(65536);
    const handler = {
      readable: () => {
        const length = this.stream.read(into, this.fds);
        if (length === 0) onEnd();
        if (length > 0) this.#take(into.subarray(0, length));
      },
      drain: () => {
        this.drains++;
      },
      closed: onClosed,
    };
    this.stream = new DescriptorStream(addon, fd, handler, options);
  }

  received(length: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ length, resolve });
      this.#take(Buffer.alloc(0));
    });
  }

  #take(chunk: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, chunk]);
    for (const { length, resolve } of this.#waiting) if (this.bytes.length >= length) resolve();
  }
}

async function close(...sides: Collected[]): Promise<void> {
  for (const side of sides) {
    for (const fd of side.fds) addon.close(fd);
    side.stream.destroy();
    await side.closed;
  }
}

test('both sides can write a megabyte before either reads', needsAddon, async () => {
  const before = openDescriptors();
  const [a, b] = addon.socketpair();
  const left = new Collected(a);
  const right = new Collected(b);
  const size = 1 << 20;
  const data = Buffer.alloc(size, 'godwit');
  assert.equal(left.stream.write(data), false);
  assert.equal(right.stream.write(data), false);
  await Promise.all([left.received(size), right.received(size)]);
  assert.ok(left.bytes.equals(data));
  assert.ok(right.bytes.equals(data));
  assert.deepEqual([left.drains, right.drains], [1, 1]);
  assert.equal(left.stream.writableLength, 0);
  await close(left, right);
  assert.equal(openDescriptors(), before);
});

test('descriptors arrive with the message they were sent with', needsAddon, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ size: fc.integer({ min: 1, max: 90_000 }), fds: fc.nat(3) }), {
        minLength: 1,
        maxLength: 12,
      }),
      async (messages) => {
        const before = openDescriptors();
        const [a, b] = addon.socketpair();
        const left = new Collected(a);
        const into = Buffer.alloc(100_000);
        const seen: number[] = [];
        for (const { size, fds } of messages) {
          const some = Array.from({ length: fds }, () => addon.eventfd(0));
          left.stream.write(Buffer.alloc(size), some);
        }
        for (const { size } of messages) {
          const fds: number[] = [];
          for (let at = 0; at < size; ) {
            const length = addon.receive(b, into, at, size, fds);
            assert.notEqual(length, 0);
            if (length < 0) await new Promise(setImmediate);
            else at += length;
          }
          seen.push(fds.length);
          for (const fd of fds) addon.close(fd);
        }
        assert.deepEqual(
          seen,
          messages.map(({ fds }) => fds),
        );
        await close(left);
        addon.close(b);
        assert.equal(openDescriptors(), before);
      },
    ),
    { numRuns: 25 },
  );
});

test('end sends what is queued first', needsAddon, async () => {
  const [a, b] = addon.socketpair();
  const left = new Collected(a);
  const right = new Collected(b);
  left.stream.write(Buffer.alloc(600_000, 1));
  left.stream.end();
  assert.equal(left.stream.destroyed, false);
  await right.ended;
  assert.equal(await left.closed, undefined);
  assert.equal(right.bytes.length, 600_000);
  await close(right);
});

test('a destroyed stream closes the descriptors that were not sent', needsAddon, async () => {
  const before = openDescriptors();
  const [a, b] = addon.socketpair();
  const left = new Collected(a);
  left.stream.write(Buffer.alloc(1 << 20));
  left.stream.write(Buffer.alloc(1), [addon.eventfd(0), addon.eventfd(0)]);
  await close(left);
  left.stream.write(Buffer.alloc(1), [addon.eventfd(0)]);
  addon.close(b);
  assert.equal(openDescriptors(), before);
});

test('a peer that goes away while much is queued ends the stream with an error', needsAddon, async () => {
  const before = openDescriptors();
  const [a, b] = addon.socketpair();
  const left = new Collected(a);
  left.stream.write(Buffer.alloc(1 << 20));
  addon.close(b);
  const error = (await left.closed) as NodeJS.ErrnoException;
  assert.equal(error.code, 'EPIPE');
  assert.equal(openDescriptors(), before);
});

test('nothing is read while a stream is paused', needsAddon, async () => {
  const [a, b] = addon.socketpair();
  const left = new Collected(a);
  const right = new Collected(b);
  right.stream.pause();
  left.stream.write(Buffer.from('later'));
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.equal(right.bytes.length, 0);
  right.stream.resume();
  await right.received(5);
  assert.equal(right.bytes.toString(), 'later');
  await close(left, right);
});

test('a peer that closes is noticed while reading is paused, half a close is not', needsAddon, async () => {
  const before = openDescriptors();
  const [ours, theirs] = addon.socketpair();
  let hangups = 0;
  const hungUp = new Promise<void>((resolve) => {
    const stream = new DescriptorStream(addon, ours, {
      readable: () => {},
      drain: () => {},
      hungUp: () => {
        hangups++;
        stream.destroy();
      },
      closed: () => resolve(),
    });
    stream.pause();
  });
  const socket = new Socket({ fd: theirs, allowHalfOpen: true });
  socket.write('unread');
  await new Promise<void>((resolve) => socket.end(resolve));
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  assert.equal(hangups, 0);
  socket.destroy();
  await hungUp;
  assert.equal(hangups, 1);
  while (openDescriptors() > before) await new Promise(setImmediate);
});

test('more than 16 descriptors in a message end the stream, and none is left open', needsAddon, async () => {
  const before = openDescriptors();
  const [a, b] = addon.socketpair();
  const left = new Collected(a);
  const right = new Collected(b);
  left.stream.write(
    Buffer.from('x'),
    Array.from({ length: 20 }, () => addon.eventfd(0)),
  );
  const error = (await right.closed) as NodeJS.ErrnoException;
  assert.equal(error.code, 'EMSGSIZE');
  await close(left, right);
  assert.equal(openDescriptors(), before);
});

test('an exception in a readiness callback is an uncaught exception, not a crash', needsAddon, async () => {
  const [a, b] = addon.socketpair();
  const poll = addon.poll(a, () => {
    poll.close();
    throw new Error('thrown by the callback');
  });
  const caught = new Promise<Error>((resolve) => {
    const previous = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.once('uncaughtException', (error) => {
      for (const listener of previous) process.on('uncaughtException', listener);
      resolve(error);
    });
  });
  poll.watch({ readable: true });
  addon.sendmsg(b, [Buffer.from('x')], []);
  assert.match((await caught).message, /thrown by the callback/);
  assert.throws(() => poll.watch({ readable: true }), { code: 'EBADF' });
  poll.close();
  addon.close(a);
  addon.close(b);
});

test('who reads bit by bit is told of all that a peer sent before it reset the connection, and of the reset', {
  ...needsAddon,
  timeout: 20_000,
}, async () => {
  const before = openDescriptors();
  const [ours, theirs] = addon.socketpair();
  const into = Buffer.alloc(1);
  let text = '';
  const error = await new Promise<Error | undefined>((resolve) => {
    const stream = new DescriptorStream(addon, ours, {
      readable: () => {
        if (stream.read(into, []) > 0) text += into.toString();
      },
      drain: () => undefined,
      closed: resolve,
    });
    // What the peer has not read makes its leave a reset.
    stream.write(Buffer.from('unread'));
    addon.sendmsg(theirs, [Buffer.from('hello')], []);
    addon.close(theirs);
  });
  assert.equal(text, 'hello');
  assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
  assert.equal(openDescriptors(), before);
});
