import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigSpace, PciFunction } from '../src/index.js';

const identity = { vendorId: 0x1b36, deviceId: 0x0042, classCode: 0x020000, revision: 3 };

function word(space: ConfigSpace, offset: number): number {
  const into = Buffer.alloc(4);
  space.read(offset, into);
  return into.readUInt32LE();
}

function setWord(space: ConfigSpace, offset: number, value: number): void {
  const from = Buffer.alloc(4);
  from.writeUInt32LE(value);
  space.write(offset, from);
}

test('a BAR that is sized by writing ones answers with its size, and keeps an address', () => {
  const bars = [
    { index: 0, size: 4096 },
    { index: 2, size: 2 ** 33, wide: true },
  ];
  const space = new ConfigSpace({ identity, bars, intx: true, msi: 0 });
  for (const offset of [0x10, 0x14, 0x18, 0x1c]) setWord(space, offset, 0xffff_ffff);
  assert.deepEqual(
    [0x10, 0x14, 0x18, 0x1c].map((offset) => word(space, offset)),
    [0xffff_f000, 0, 4, 0xffff_fffe],
  );
  setWord(space, 0x10, 0xfebf_1234);
  assert.equal(word(space, 0x10), 0xfebf_1000);
  space.reset();
  assert.equal(word(space, 0x10), 0);
});

test('identity, class and pin are there, and cannot be written', () => {
  const space = new ConfigSpace({ identity, bars: [], intx: true, msi: 0 });
  for (let offset = 0; offset < 256; offset += 4) setWord(space, offset, 0xffff_ffff);
  assert.equal(word(space, 0x00), 0x0042_1b36);
  assert.equal(word(space, 0x08), 0x0200_0003);
  assert.equal(word(space, 0x2c), 0x0042_1b36);
  assert.equal(word(space, 0x3c), 0x0000_01ff);
});

test('capabilities are chained: MSI with its vectors, MSI-X with a table in a BAR of its own', () => {
  const bar = { size: 4096 };
  const { config, regions } = new PciFunction({ ...identity, bars: { 0: bar }, msi: 8, msix: 300 });
  assert.equal(word(config, 0x04) >>> 16, 0x10, 'there are capabilities');
  const first = word(config, 0x34) & 0xff;
  assert.equal(word(config, first) & 0xff, 0x05);
  assert.equal((word(config, first) >>> 17) & 7, 3, 'eight vectors');
  const second = (word(config, first) >>> 8) & 0xff;
  assert.equal(word(config, second) & 0xff, 0x11);
  assert.equal(word(config, second) >>> 16, 299);
  assert.deepEqual([word(config, second + 4), word(config, second + 8)], [1, 0x2001]);
  assert.equal(regions[1]!.size, 0x4000);
});

test('sizes and counts that PCI does not have are refused', () => {
  const options = { identity, bars: [], intx: false, msi: 0 };
  assert.throws(() => new ConfigSpace({ ...options, msi: 3 }), RangeError);
  assert.throws(() => new ConfigSpace({ ...options, msi: 64 }), RangeError);
  assert.throws(() => new ConfigSpace({ ...options, bars: [{ index: 0, size: 5000 }] }), RangeError);
  assert.throws(() => new PciFunction({ ...identity, bars: { 6: { size: 4096 } } }), RangeError);
});

test("a function's own capabilities follow those for interrupts, and what may be written of them is kept", () => {
  const { config } = new PciFunction({
    ...identity,
    msi: 1,
    bars: {},
    capabilities: [
      { id: 0x09, bytes: Buffer.from([6, 0x11, 0x22, 0x33]), writable: Buffer.from([0, 0xff, 0x0f]) },
      { id: 0x01, bytes: Buffer.alloc(6) },
    ],
  });
  const ids: number[] = [];
  for (let at = word(config, 0x34) & 0xff; at !== 0; at = (word(config, at) >> 8) & 0xff) {
    ids.push(word(config, at) & 0xff);
  }
  assert.deepEqual(ids, [0x05, 0x09, 0x01]);
  const vendor = (word(config, word(config, 0x34) & 0xff) >> 8) & 0xff;
  setWord(config, vendor, 0xffff_ffff);
  setWord(config, vendor + 4, 0xffff_ffff);
  assert.deepEqual([word(config, vendor) >>> 16, word(config, vendor + 4) & 0xffff], [0xff06, 0x332f]);
  const many = Array.from({ length: 9 }, () => ({ id: 9, bytes: Buffer.alloc(22) }));
  assert.throws(() => new PciFunction({ ...identity, bars: {}, capabilities: many }), {
    name: 'RangeError',
    message: 'the capabilities do not fit in 256 bytes',
  });
});
