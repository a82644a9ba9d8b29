import assert from 'node:assert/strict';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Native, native } from '@godwit/native';
import { defaultPageDigests, type GuestRam } from '../src/index.js';
import { PageCopies } from '../src/outgoing/page-copies.js';
import { RamLayout } from '../src/ram/layout.js';
import { RamFileSharing } from '../src/ram/sharing.js';
import { recordTypes } from '../src/stream/records.js';
import { Pair, type PairOptions } from './pair.js';
import { PAGE } from './test-machine.js';

const needsAddon = { skip: native === undefined ? 'needs the addon' : false };
const addon = native as Native;
/** TMPFS_MAGIC of linux/magic.h. */
const TMPFS = 0x01021994;

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** RAM of two segments in a file. */
function ramFile(pages: readonly number[]): GuestRam & { descriptor: number; close(): void } {
  const size = pages.reduce((sum, count) => sum + count, 0) * PAGE;
  const descriptor = addon.memfdCreate('ram', size, { sealed: true });
  let address = 0;
  const segments = pages.map((count) => {
    const segment = { address, bytes: new Uint8Array(addon.mmap(descriptor, address, count * PAGE, true)) };
    address += count * PAGE;
    return segment;
  });
  const close = () => {
    for (const { bytes } of segments) addon.munmap(bytes.buffer as ArrayBuffer);
    addon.close(descriptor);
  };
  return { size, pageSize: PAGE, segments, descriptor, close };
}

test(
  'pages are copied out of the RAM of another, with their digests, and belong to who copied them',
  needsAddon,
  async () => {
    const before = openDescriptors();
    const sharing = new RamFileSharing(addon);
    const [theirs, ours] = [ramFile([256, 32]), ramFile([256, 32])];
    for (const { address, bytes } of theirs.segments) {
      for (let page = 0; page < bytes.length / PAGE; page++)
        bytes.fill(((address + page) % 200) + 1, page * PAGE, (page + 1) * PAGE);
    }
    const shared = sharing.share(theirs)!;
    const layout = new RamLayout(ours);
    const source = sharing.open(addon.dup(shared.descriptor), layout)!;
    shared.close();

    // Several runs, enough pages for two threads.
    const runs = Uint32Array.of(0, 1, 3, 197, 255, 1);
    const digests = new Uint32Array(199);
    await source.copy(layout.segments[0]!, runs, digests);
    const last = new Uint32Array(1);
    await source.copy(layout.segments[1]!, Uint32Array.of(31, 1), last);
    const expected = new Uint32Array(199);
    defaultPageDigests.digest(theirs.segments[0]!.bytes, PAGE, runs, expected);
    assert.deepEqual(digests, expected);

    const [low, high] = ours.segments.map(({ bytes }) => bytes);
    const first = Array.from({ length: 256 }, (_, page) => low![page * PAGE]);
    assert.deepEqual(
      first.map((byte) => byte !== 0),
      first.map((_, page) => page === 0 || (page >= 3 && page < 200) || page === 255),
    );
    assert.equal(high![31 * PAGE + 5], theirs.segments[1]!.bytes[31 * PAGE + 5]);
    theirs.segments[0]!.bytes.fill(99);
    assert.equal(low![3 * PAGE], 4);
    low!.fill(77);
    assert.equal(theirs.segments[0]!.bytes[3 * PAGE], 99);

    await source.close();
    theirs.close();
    ours.close();
    assert.equal(openDescriptors(), before);
  },
);

test('what is shared is for reading only', needsAddon, () => {
  const ram = ramFile([32]);
  const shared = new RamFileSharing(addon).share(ram)!;
  assert.equal(addon.getFlags(shared.descriptor) & (constants.O_WRONLY | constants.O_RDWR), 0);
  assert.throws(() => writeSync(shared.descriptor, 'x'), { code: 'EBADF' });
  assert.throws(() => addon.mmap(shared.descriptor, 0, PAGE, true), { code: 'EACCES' });
  shared.close();
  ram.close();
});

test('what is not the RAM of the source is refused and closed', needsAddon, (t) => {
  const before = openDescriptors();
  const ram = ramFile([32, 32]);
  const sharing = new RamFileSharing(addon);
  assert.equal(sharing.share({ ...ram, descriptor: undefined }), undefined);
  const folder = mkdtempSync(join(tmpdir(), 'godwit-ram-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const short = addon.memfdCreate('short', ram.size - PAGE);
  const long = addon.memfdCreate('long', ram.size + PAGE);
  const writeOnly = openSync(`/proc/self/fd/${ram.descriptor}`, constants.O_WRONLY);
  const [socket, other] = addon.socketpair();
  for (const wrong of [short, long, writeOnly, socket, openSync(folder, 'r')]) {
    assert.equal(sharing.open(wrong, new RamLayout(ram)), undefined);
    assert.throws(() => fstatSync(wrong), { code: 'EBADF' });
  }
  closeSync(other);
  ram.close();
  assert.equal(openDescriptors(), before);
});

test('a file of a file system whose server could keep who reads it waiting is refused', {
  skip:
    native === undefined || statfsSync(tmpdir()).type === TMPFS
      ? 'needs the addon, and files on a disk'
      : false,
}, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-ram-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const ram = ramFile([32]);
  const onDisk = openSync(join(folder, 'ram'), 'w+');
  ftruncateSync(onDisk, ram.size);
  assert.equal(new RamFileSharing(addon).open(onDisk, new RamLayout(ram)), undefined);
  assert.throws(() => fstatSync(onDisk), { code: 'EBADF' });
  ram.close();
});

test('a source whose memory has shrunk is told of', needsAddon, async () => {
  const ours = ramFile([32]);
  const layout = new RamLayout(ours);
  const file = addon.memfdCreate('theirs', ours.size);
  writeSync(file, new Uint8Array(ours.size).fill(1));
  const source = new RamFileSharing(addon).open(addon.dup(file), layout)!;
  const copy = () => source.copy(layout.segments[0]!, Uint32Array.of(0, 4), new Uint32Array(4));
  await copy();
  ftruncateSync(file, PAGE);
  const expected = { name: 'StreamError', message: 'the RAM of the source has shrunk' };
  await assert.rejects(copy(), expected);
  await source.close();
  closeSync(file);
  ours.close();
});

test('the source is never more than three records ahead of the copies', async () => {
  const written: number[] = [];
  let done = 0;
  const waiting: { atLeast: number; resolve: () => void }[] = [];
  const copies = new PageCopies(
    {
      write: async (...records) => {
        written.push(records.length);
        return { bytes: 0, channel: 0 };
      },
    },
    (atLeast) =>
      done >= atLeast ? Promise.resolve() : new Promise((resolve) => waiting.push({ atLeast, resolve })),
  );
  const finish = (records: number) => {
    done = records;
    for (const { atLeast, resolve } of waiting.splice(0)) {
      assert.equal(atLeast, records);
      resolve();
    }
  };
  const copy = { type: recordTypes.RAM_COPY, payload: new Uint8Array(8) };
  const zero = { type: recordTypes.RAM_ZERO, payload: new Uint8Array(8) };
  await copies.write(zero, copy);
  for (let record = 1; record < 3; record++) await copies.write(copy);
  // Zeros are done at once, and wait for nobody.
  await copies.write(zero);
  const fourth = copies.write(copy);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(written.length, 4);
  finish(1);
  await fourth;
  assert.equal(written.length, 5);
});

const options: PairOptions = {
  shares: true,
  ram: [64 * PAGE, 33 * PAGE],
  channel: { bytesPerSecond: 4 << 20 },
  parameters: { 'downtime-limit': 20 },
};

test('between machines of one host pages do not go through the channel, and count as if they did', async () => {
  const pair = new Pair(options);
  await pair.run();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.equal(pair.incomingOutcome, 'completed', pair.incoming.error?.message);
  assert.ok(pair.destination.arrived?.equals(pair.source.contents()), 'RAM differs');
  const { ram } = pair.outgoing.statistics;
  // All pages, and the one that the guest writes before it is stopped.
  assert.equal(ram.normal, 97 + 1);
  assert.equal(pair.sharing.copiedPages, 97 + 1);
  assert.ok(ram.transferred >= 98 * PAGE);
  assert.equal(ram.precopyBytes + ram.downtimeBytes, ram.transferred);
  const received = pair.incoming.statistics;
  assert.ok(received.received >= 98 * PAGE && received.ram.transferred >= 98 * PAGE);
  pair.close();
});

test('with multifd the copies are spread over the channels', async () => {
  const pair = new Pair({ ...options, channels: 2 });
  await pair.run();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.ok(pair.destination.arrived?.equals(pair.source.contents()), 'RAM differs');
  assert.equal(pair.sharing.copiedPages, 97 + 1);
  assert.ok(pair.outgoing.statistics.ram.multifdBytes >= 98 * PAGE);
  pair.close();
});

for (const [side, sides] of [
  ['source', { outgoing: { ramSharing: undefined } }],
  ['destination', { incoming: { ramSharing: undefined } }],
] as const) {
  test(`where the ${side} does not want it, pages go through the channel`, async () => {
    const pair = new Pair({ ...options, ...sides });
    await pair.run();
    assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
    assert.equal(pair.sharing.copiedPages, 0);
    pair.close();
  });
}

test('a limit on the bandwidth holds for pages that are copied', async () => {
  const pair = new Pair({ ...options, parameters: { 'downtime-limit': 20, 'max-bandwidth': 1 << 20 } });
  await pair.run();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  const { totalTime, ram } = pair.outgoing.statistics;
  const limited = ((ram.transferred - ram.downtimeBytes) / (1 << 20)) * 1000;
  assert.ok(totalTime > limited * 0.8, `${totalTime} ms for what takes ${limited} ms`);
  pair.close();
});
