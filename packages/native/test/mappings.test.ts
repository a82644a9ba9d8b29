import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { addon, needsAddon } from './addon.js';
import { openDescriptors } from './open-descriptors.js';

const PAGE = 4096;

test('two mappings of a memory file show the same bytes', needsAddon, () => {
  const before = openDescriptors();
  const fd = addon.memfdCreate('ram', 2 * PAGE);
  const one = addon.mmap(fd, 0, 2 * PAGE, true);
  const two = addon.mmap(fd, PAGE, PAGE, true);
  addon.close(fd);
  new Uint8Array(one)[PAGE + 5] = 77;
  assert.equal(new Uint8Array(two)[5], 77);
  Atomics.or(new Int32Array(two), 4, 9);
  assert.equal(new Int32Array(one, PAGE)[4], 9);
  addon.munmap(one);
  addon.munmap(two);
  assert.equal(openDescriptors(), before);
});

test('a buffer that was unmapped is empty, and cannot be unmapped again', needsAddon, () => {
  const fd = addon.memfdCreate('ram', PAGE);
  const buffer = addon.mmap(fd, 0, PAGE, true);
  addon.close(fd);
  addon.munmap(buffer);
  assert.equal(buffer.byteLength, 0);
  assert.throws(() => addon.munmap(buffer), { code: 'EINVAL' });
});

test('what is written to a view without write access stays private', needsAddon, () => {
  const fd = addon.memfdCreate('ram', PAGE);
  const shared = new Uint8Array(addon.mmap(fd, 0, PAGE, true));
  const view = new Uint8Array(addon.mmap(fd, 0, PAGE, false));
  addon.close(fd);
  shared[0] = 1;
  assert.equal(view[0], 1);
  view[0] = 2;
  assert.equal(shared[0], 1);
  addon.munmap(shared.buffer);
  addon.munmap(view.buffer);
});

test('a descriptor that cannot be mapped is an error', needsAddon, () => {
  const event = addon.eventfd(0);
  assert.throws(() => addon.mmap(event, 0, PAGE, true), { code: 'ENODEV', syscall: 'mmap' });
  addon.close(event);
  const fd = addon.memfdCreate('ram', PAGE);
  assert.throws(() => addon.mmap(fd, 100, PAGE, true), { code: 'EINVAL' });
  addon.close(fd);
});

test('a sealed memory file keeps its size', needsAddon, () => {
  const sealed = addon.memfdCreate('sealed', PAGE, { sealed: true });
  assert.throws(() => ftruncateSync(sealed, 0), { code: 'EPERM' });
  addon.close(sealed);
  const open = addon.memfdCreate('open', PAGE);
  ftruncateSync(open, 0);
  addon.close(open);
});

test('an access past the end of a shrunken file reads zeros and is counted', needsAddon, () => {
  const fd = addon.memfdCreate('ram', 4 * PAGE);
  const buffer = addon.mmap(fd, 0, 4 * PAGE, true);
  const bytes = new Uint8Array(buffer);
  bytes.fill(0xaa);
  ftruncateSync(fd, PAGE);
  assert.equal(addon.mappingFaults(buffer), 0);
  const counter = addon.faultCounter();
  const before = counter[0]!;
  assert.equal(bytes[3 * PAGE + 1], 0);
  assert.equal(addon.mappingFaults(buffer), 1);
  bytes[PAGE] = 1;
  bytes.copyWithin(2 * PAGE, 0, PAGE);
  assert.equal(addon.mappingFaults(buffer), 3);
  assert.equal(counter[0]! - before, 3);
  assert.equal(bytes[0], 0xaa);
  // The kernel's own accesses fail instead of raising a signal, or find the zeros.
  const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
  const file = openSync(join(folder, 'file'), 'w');
  writeSync(file, bytes);
  closeSync(file);
  rmSync(folder, { recursive: true });
  addon.munmap(buffer);
  addon.close(fd);
});

test('a worker thread maps the same memory, and unmaps it when it ends', needsAddon, async () => {
  const before = openDescriptors();
  const fd = addon.memfdCreate('ram', PAGE);
  const shared = new Int32Array(addon.mmap(fd, 0, PAGE, true));
  const source = `
    import { workerData } from 'node:worker_threads';
    const { native } = await import(workerData.entry);
    const words = new Int32Array(native.mmap(workerData.fd, 0, ${PAGE}, true));
    Atomics.store(words, 0, native.threadId());
    native.poll(native.eventfd(0), () => {}).watch({ readable: true });
    process.exit(0);
  `;
  const entry = new URL('../src/index.js', import.meta.url).href;
  const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const worker = new Worker(url, { workerData: { entry, fd } });
  await once(worker, 'exit');
  assert.ok(shared[0]! > 0);
  assert.notEqual(shared[0], addon.threadId());
  addon.munmap(shared.buffer);
  addon.close(fd);
  // The worker leaves the eventfd that it never closed.
  assert.equal(openDescriptors(), before + 1);
});
