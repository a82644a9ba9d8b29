import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bus, type BusHandler, MMIO_BASE } from '../../src/memory/bus.js';

function memoryHandler(size: number): BusHandler {
  const bytes = new Uint8Array(size);
  return {
    read: (offset, into) => into.set(bytes.subarray(offset, offset + into.length)),
    write: (offset, from) => bytes.set(from, offset),
  };
}

test('accesses reach the range that claims them, by offset', () => {
  const bus = new Bus();
  bus.attach('mmio', MMIO_BASE, 16, memoryHandler(16), 'a');
  bus.attach('mmio', MMIO_BASE + 16, 16, memoryHandler(16), 'b');
  bus.write('mmio', MMIO_BASE + 20, Uint8Array.of(1, 2));
  const into = new Uint8Array(2);
  bus.read('mmio', MMIO_BASE + 20, into);
  assert.deepEqual([...into], [1, 2]);
  bus.read('mmio', MMIO_BASE + 4, into);
  assert.deepEqual([...into], [0, 0]);
});

test('what nobody claims reads as ones and swallows writes', () => {
  const bus = new Bus();
  const detach = bus.attach('port', 0x80, 1, memoryHandler(1), 'post');
  const into = new Uint8Array(2);
  bus.write('port', 0x90, into);
  bus.read('port', 0x90, into);
  assert.deepEqual([...into], [255, 255]);
  detach();
  bus.write('port', 0x80, Uint8Array.of(3));
  bus.read('port', 0x80, into);
  assert.deepEqual([...into], [255, 255]);
});

test('an access over the end of a window is nobody’s', () => {
  const bus = new Bus();
  bus.attach('mmio', MMIO_BASE, 8, memoryHandler(8), 'a');
  const into = new Uint8Array(4);
  bus.read('mmio', MMIO_BASE + 6, into);
  assert.deepEqual([...into], [255, 255, 255, 255]);
});

test('overlapping ranges are refused by name', () => {
  const bus = new Bus();
  bus.attach('port', 0x3f8, 8, memoryHandler(8), 'serial0');
  assert.throws(() => bus.attach('port', 0x3ff, 1, memoryHandler(1), 'other'), /0x3ff is taken by serial0/);
  assert.throws(() => bus.attach('port', 0xffff, 2, memoryHandler(2), 'other'), /no port range at 0xffff/);
});

test('placed windows are aligned to their size and never overlap, and gaps are used again', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 16 }), { maxLength: 12 }), (exponents) => {
      const bus = new Bus();
      for (const exponent of exponents) {
        const size = 4096 * 2 ** exponent;
        const base = bus.place(size);
        assert.equal(base % size, 0);
        bus.attach('mmio', base, size, memoryHandler(0), 'bar');
      }
    }),
  );
  const bus = new Bus();
  const first = bus.place(4096);
  const detach = bus.attach('mmio', first, 4096, memoryHandler(0), 'first');
  bus.attach('mmio', bus.place(4096), 4096, memoryHandler(0), 'second');
  detach();
  assert.equal(bus.place(4096), first);
});
