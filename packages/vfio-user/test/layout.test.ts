import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Layout } from '../src/protocol/layout.js';
import * as messages from '../src/protocol/messages.js';

const record = new Layout({ small: 'u16', middle: 'u32', large: 'u64', wide: 'wide' });

test('a record that is written reads the same, anywhere in a buffer', () => {
  fc.assert(
    fc.property(
      fc.record({
        small: fc.nat(0xffff),
        middle: fc.nat(0xffff_ffff),
        large: fc.maxSafeNat(),
        wide: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
      }),
      fc.nat(9),
      (values, at) => {
        const bytes = Buffer.alloc(at + record.size);
        assert.equal(record.write(bytes, values, at), bytes.length);
        assert.deepEqual(record.read(bytes, at), { ...values });
      },
    ),
  );
});

test('a record that is cut off, or a number above 2^53, is EINVAL', () => {
  assert.throws(() => record.read(Buffer.alloc(record.size - 1)), { code: 'EINVAL' });
  const bytes = Buffer.alloc(record.size);
  bytes.writeBigUInt64LE(2n ** 53n, 6);
  assert.throws(() => record.read(bytes), { code: 'EINVAL', message: 'the field large is above 2^53 - 1' });
});

test('records have the sizes of the specification', () => {
  const sizes: [{ readonly size: number }, number][] = [
    [messages.HEADER, 16],
    [messages.VERSION, 4],
    [messages.DMA_MAP, 32],
    [messages.DMA_UNMAP, 24],
    [messages.DEVICE_INFO, 16],
    [messages.REGION_INFO, 32],
    [messages.CAPABILITY, 8],
    [messages.SPARSE_MMAP, 8],
    [messages.SPARSE_AREA, 16],
    [messages.REGION_IO_FDS, 16],
    [messages.IO_FD, 40],
    [messages.IRQ_INFO, 16],
    [messages.IRQ_SET, 20],
    [messages.REGION_ACCESS, 16],
    [messages.DMA_ACCESS, 16],
    [messages.FEATURE, 8],
    [messages.FEATURE_MIGRATION, 8],
    [messages.FEATURE_DEVICE_STATE, 8],
    [messages.FEATURE_LOGGING_START, 16],
    [messages.LOGGING_RANGE, 16],
    [messages.FEATURE_LOGGING_REPORT, 24],
    [messages.FEATURE_DATA_SIZE, 8],
    [messages.MIG_DATA, 8],
  ];
  assert.deepEqual(
    sizes.map(([layout]) => layout.size),
    sizes.map(([, size]) => size),
  );
});
