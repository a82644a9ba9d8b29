import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { test } from 'node:test';
import { FdSets } from '../src/index.js';

/** A table of descriptors that knows their flags, and what is open. */
class Descriptors {
  readonly open = new Map<number, number>();
  #next = 10;

  create(flags: number): number {
    const fd = this.#next++;
    this.open.set(fd, flags);
    return fd;
  }

  close(fd: number): void {
    assert(this.open.delete(fd), `descriptor ${fd} is not open`);
  }

  dup(fd: number): number {
    return this.create(this.getFlags(fd));
  }

  getFlags(fd: number): number {
    return this.open.get(fd)!;
  }
}

test('sets get the lowest free id and are listed in descending order, their descriptors as they were added', () => {
  const descriptors = new Descriptors();
  const sets = new FdSets(descriptors);
  assert.deepEqual(sets.add(descriptors.create(0)), { 'fdset-id': 0n, fd: 10n });
  assert.deepEqual(sets.add(descriptors.create(0), 2n, 'two'), { 'fdset-id': 2n, fd: 11n });
  assert.deepEqual(sets.add(descriptors.create(0)), { 'fdset-id': 1n, fd: 12n });
  assert.deepEqual(sets.add(descriptors.create(0)), { 'fdset-id': 3n, fd: 13n });
  assert.deepEqual(sets.add(descriptors.create(0), 2n), { 'fdset-id': 2n, fd: 14n });
  assert.deepEqual(sets.query(), [
    { 'fdset-id': 3n, fds: [{ fd: 13n }] },
    { 'fdset-id': 2n, fds: [{ fd: 11n, opaque: 'two' }, { fd: 14n }] },
    { 'fdset-id': 1n, fds: [{ fd: 12n }] },
    { 'fdset-id': 0n, fds: [{ fd: 10n }] },
  ]);
  sets.closeAll();
  assert.equal(descriptors.open.size, 0);
});

test('what cannot be added is closed, and what is removed too', () => {
  const descriptors = new Descriptors();
  const sets = new FdSets(descriptors);
  assert.throws(() => sets.add(undefined), /^QmpError: No file descriptor supplied via SCM_RIGHTS$/);
  assert.throws(
    () => sets.add(descriptors.create(0), -1n),
    /^QmpError: Parameter 'fdset-id' expects a non-negative value$/,
  );
  assert.equal(descriptors.open.size, 0);
  for (let count = 0; count < 3; count++) sets.add(descriptors.create(0), 0n);
  assert.throws(() => sets.remove(0n, 999n), /File descriptor named 'fdset-id:0, fd:999' not found/);
  assert.throws(() => sets.remove(9n), /File descriptor named 'fdset-id:9' not found/);
  sets.remove(0n, 12n);
  assert.deepEqual([...descriptors.open.keys()], [11, 13]);
  sets.remove(0n);
  assert.equal(descriptors.open.size, 0);
  assert.deepEqual(sets.query(), []);
});

test('a set opens as a file with a matching access mode, and stays while a duplicate is open', () => {
  const descriptors = new Descriptors();
  const sets = new FdSets(descriptors);
  sets.add(descriptors.create(constants.O_RDONLY), 4n);
  sets.add(descriptors.create(constants.O_RDWR | constants.O_APPEND), 4n);
  const duplicate = sets.open('/dev/fdset/4', constants.O_RDWR | constants.O_CREAT);
  assert.equal(descriptors.getFlags(duplicate), constants.O_RDWR | constants.O_APPEND);
  assert.throws(
    () => sets.open('/dev/fdset/4', constants.O_WRONLY),
    /Failed to find file descriptor with matching flags=0x1/,
  );
  assert.throws(
    () => sets.open('/dev/fdset/4', constants.O_RDONLY | constants.O_DIRECT),
    /Failed to find file descriptor with matching flags=0x/,
  );
  assert.throws(() => sets.open('/dev/fdset/5', constants.O_RDONLY), /Failed to find fdset \/dev\/fdset\/5/);
  sets.remove(4n);
  assert.deepEqual(sets.query(), [{ 'fdset-id': 4n, fds: [] }]);
  sets.close(duplicate);
  assert.deepEqual(sets.query(), []);
  assert.equal(descriptors.open.size, 0);
  assert(FdSets.isPath('/dev/fdset/0'));
  assert(FdSets.isPath('/dev/fdset/ +020') && FdSets.isPath('/dev/fdset/2147483647'));
  assert(!FdSets.isPath('/dev/fdset/2147483648') && !FdSets.isPath('/dev/fdset/-0'));
  assert(!FdSets.isPath('/dev/fdset/x') && !FdSets.isPath('/tmp/dev/fdset/1'));
});
