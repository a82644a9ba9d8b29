import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { addon, needsAddon } from './addon.js';
import { openDescriptors } from './open-descriptors.js';

test('a closed descriptor answers EBADF as Node would', needsAddon, () => {
  const fd = addon.eventfd(0);
  addon.close(fd);
  for (const call of [
    () => addon.close(fd),
    () => addon.dup(fd),
    () => addon.getFlags(fd),
    () => addon.fileType(fd),
    () => addon.signalEventfd(fd),
    () => addon.readEventfd(fd),
    () => addon.mmap(fd, 0, 4096, true),
    () => addon.poll(fd, () => undefined),
  ]) {
    assert.throws(call, { code: 'EBADF', errno: -9 });
  }
});

test('arguments of the wrong kind are refused', needsAddon, () => {
  assert.throws(() => addon.close(-1), RangeError);
  assert.throws(() => addon.close(1.5), RangeError);
  assert.throws(() => addon.close('3' as unknown as number), TypeError);
  assert.throws(() => addon.memfdCreate('x', Number.NaN), RangeError);
  assert.throws(() => addon.memfdCreate(7 as unknown as string, 1), TypeError);
  assert.throws(() => addon.mmap(0, 0, 0, true), RangeError);
  assert.throws(() => addon.munmap(new ArrayBuffer(8)), TypeError);
  assert.throws(() => addon.recvmsg(0, new Uint16Array(2) as unknown as Uint8Array), TypeError);
  assert.throws(() => addon.recvmsg(0, new Uint8Array(0)), RangeError);
  assert.throws(() => addon.receive(0, new Uint8Array(4), 2, 5, []), RangeError);
  assert.throws(() => addon.sendmsg(0, [], new Array(254).fill(0)), RangeError);
  assert.throws(() => addon.poll(0, undefined as unknown as () => void), TypeError);
});

test('an eventfd counts signals and never blocks', needsAddon, () => {
  const before = openDescriptors();
  const fd = addon.eventfd(2);
  assert.equal(addon.signalEventfd(fd), true);
  assert.equal(addon.readEventfd(fd), 3);
  assert.equal(addon.readEventfd(fd), 0);
  addon.close(fd);
  assert.equal(openDescriptors(), before);
});

test('a descriptor tells what it is and how it is open', needsAddon, () => {
  const [a, b] = addon.socketpair();
  const memory = addon.memfdCreate('memory', 4096);
  const nothing = openSync('/dev/null', 'r');
  const event = addon.eventfd(0);
  const copy = addon.dup(nothing);
  assert.equal(addon.fileType(a), 'socket');
  assert.equal(addon.fileType(memory), 'file');
  assert.equal(addon.fileType(copy), 'character-device');
  assert.equal(addon.fileType(event), 'other');
  assert.equal(addon.getFlags(nothing) & 3, constants.O_RDONLY);
  assert.equal(addon.getFlags(memory) & 3, constants.O_RDWR);
  assert.notEqual(addon.getFlags(a) & constants.O_NONBLOCK, 0);
  for (const fd of [a, b, memory, nothing, event, copy]) addon.close(fd);
});

test('a socket gets the room between it and its peer that it asks for, and says how much', needsAddon, () => {
  const [a, b] = addon.socketpair();
  const granted = addon.setSendBuffer(a, 64 * 1024);
  assert.ok(granted >= 64 * 1024);
  let sent = 0;
  for (let more = -1; more !== 0; sent += Math.max(0, more))
    more = addon.sendmsg(a, [Buffer.alloc(4096)], []);
  assert.ok(sent > 0 && sent <= granted, `${sent} of ${granted} bytes`);
  assert.throws(() => addon.setSendBuffer(-1, 4096), RangeError);
  for (const fd of [a, b]) addon.close(fd);
});

test('what a peer has not read yet can be asked, and is nothing when it has read all', needsAddon, () => {
  const [a, b] = addon.socketpair();
  assert.equal(addon.unreadBytes(a), 0);
  addon.sendmsg(a, [Buffer.alloc(100)], []);
  assert.ok(addon.unreadBytes(a) >= 100);
  const half = Buffer.alloc(50);
  addon.recvmsg(b, half);
  assert.notEqual(addon.unreadBytes(a), 0);
  addon.recvmsg(b, half);
  assert.equal(addon.unreadBytes(a), 0);
  assert.throws(() => addon.unreadBytes(-1), RangeError);
  for (const fd of [a, b]) addon.close(fd);
});

test('waiting ends when a descriptor is ready, its peer is gone, or time is up', needsAddon, () => {
  const [a, b] = addon.socketpair();
  assert.equal(addon.waitReady(a, { readable: true }, 0), false);
  assert.equal(addon.waitReady(a, { writable: true }, 0), true);
  addon.sendmsg(b, [Buffer.from('x')], []);
  assert.equal(addon.waitReady(a, { readable: true }, 1000), true);
  addon.recvmsg(a, Buffer.alloc(8));
  addon.close(b);
  assert.equal(addon.waitReady(a, { readable: true }, 1000), true);
  addon.close(a);
  assert.throws(() => addon.waitReady(a, { readable: true }, 0), { code: 'EBADF' });
});

test('a terminal has two sides, and tells when nobody is at the other', needsAddon, () => {
  const { fd, path } = addon.openTerminal();
  assert.match(path, /^\/dev\/pts\/\d+$/);
  const buffer = Buffer.alloc(16);
  assert.throws(() => readSync(fd, buffer), { code: 'EIO' });
  const other = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  assert.throws(() => readSync(fd, buffer), { code: 'EAGAIN' });
  writeSync(other, 'a\r\n\x03');
  assert.equal(buffer.toString('latin1', 0, readSync(fd, buffer)), 'a\r\n\x03');
  writeSync(fd, 'b\n');
  assert.equal(buffer.toString('latin1', 0, readSync(other, buffer)), 'b\n');
  closeSync(other);
  assert.throws(() => readSync(fd, buffer), { code: 'EIO' });
  addon.close(fd);
});
