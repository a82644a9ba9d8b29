import assert from 'node:assert/strict';
import { fstatSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { native } from '@godwit/native';
import { VfioError } from '@godwit/vfio';
import { DmaView } from '../../src/memory/dma-view.js';
import { GuestMemory, mapRam, PAGE_SIZE, unmapRam } from '../../src/memory/guest-memory.js';

const MIB = 2 ** 20;
const backings = [
  { name: 'memfd', native, skip: native === undefined ? 'needs the addon' : false },
  { name: 'SharedArrayBuffer', native: undefined, skip: false },
] as const;

for (const backing of backings) {
  test(`RAM in a ${backing.name} is zero, in segments, and seen by all mappings`, {
    skip: backing.skip,
  }, () => {
    const memory = new GuestMemory({ size: 3 * MIB, segmentBytes: MIB, native: backing.native });
    assert.deepEqual(
      memory.segments.map(({ address, bytes }) => [address, bytes.length]),
      [
        [0, MIB],
        [MIB, MIB],
        [2 * MIB, MIB],
      ],
    );
    assert.ok(memory.segments.every(({ bytes }) => bytes.every((byte) => byte === 0)));
    const again = mapRam(memory.handle, backing.native);
    again[2]!.bytes[5] = 7;
    assert.equal(memory.segments[2]!.bytes[5], 7);
    if (backing.native !== undefined) unmapRam(again, backing.native);
    memory.close();
  });

  test(`DMA into a ${backing.name} crosses segments and is refused outside`, { skip: backing.skip }, () => {
    const memory = new GuestMemory({ size: 2 * MIB, segmentBytes: MIB, native: backing.native });
    const dma = new DmaView(memory);
    const data = Uint8Array.from({ length: 3 * PAGE_SIZE }, (_, index) => index % 251);
    dma.write(MIB - PAGE_SIZE - 1, data);
    const back = new Uint8Array(data.length);
    dma.read(MIB - PAGE_SIZE - 1, back);
    assert.deepEqual(back, data);
    assert.equal(memory.segments[1]!.bytes[0], data[PAGE_SIZE + 1]);
    for (const address of [2 * MIB - data.length + 1, 2 * MIB, -1, 0.5, Number.NaN, 2 ** 60]) {
      assert.throws(
        () => dma.write(address, data),
        (error) => error instanceof VfioError && error.code === 'EFAULT',
      );
    }
    memory.close();
  });
}

test('a closed memory leaves no descriptor behind', { skip: backings[0].skip }, () => {
  const before = readdirSync('/proc/self/fd').length;
  const memory = new GuestMemory({ size: MIB, native });
  assert.equal(readdirSync('/proc/self/fd').length, before + 1);
  memory.close();
  memory.close();
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('who can only read a memory that is passed on cannot open it anew for writing', {
  skip: backings[0].skip,
}, () => {
  const memory = new GuestMemory({ size: MIB, native });
  assert.equal(fstatSync(memory.descriptor!).mode & 0o777, 0o400);
  memory.close();
});

test('RAM is fresh until somebody says that it is not', () => {
  const memory = new GuestMemory({ size: MIB });
  assert.equal(memory.fresh, true);
  new DmaView(memory).write(0, Uint8Array.of(1));
  assert.equal(memory.fresh, false);
});

test('sizes that are no pages are refused', () => {
  for (const size of [0, -PAGE_SIZE, 1000, 1.5 * PAGE_SIZE, Number.NaN]) {
    assert.throws(() => new GuestMemory({ size }), /is not a positive multiple of 4096 bytes/);
  }
  assert.throws(() => new GuestMemory({ size: MIB, segmentBytes: PAGE_SIZE }), /a RAM segment of 4096 bytes/);
});
