import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { UnixListener } from '../src/index.js';
import { addon, needsAddon } from './addon.js';
import { openDescriptors } from './open-descriptors.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function nextConnection(path: string): { listener: UnixListener; connection: Promise<number> } {
  let onConnection: (fd: number) => void = () => undefined;
  let onFailure: (error: Error) => void = () => undefined;
  const connection = new Promise<number>((resolve, reject) => {
    onConnection = resolve;
    onFailure = reject;
  });
  const handler = {
    connection: (fd: number) => onConnection(fd),
    failed: (error: Error) => onFailure(error),
  };
  return { listener: new UnixListener(addon, path, handler), connection };
}

test('a connection that was accepted delivers descriptors', needsAddon, async () => {
  const before = openDescriptors();
  const path = join(folder, 'socket');
  const { listener, connection } = nextConnection(path);
  const client = addon.connectUnix(path);
  const server = await connection;
  const sent = addon.eventfd(0);
  addon.sendmsg(client, [Buffer.from('hello')], [sent]);
  const into = Buffer.alloc(16);
  const { length, fds, truncated } = addon.recvmsg(server, into);
  assert.deepEqual([length, fds.length, truncated], [5, 1, false]);
  addon.signalEventfd(fds[0]!);
  assert.equal(addon.readEventfd(sent), 1);
  for (const fd of [client, server, sent, ...fds]) addon.close(fd);
  listener.close();
  listener.close();
  assert.equal(existsSync(path), false);
  assert.equal(openDescriptors(), before);
});

test('a socket in use and a file that is no socket are left alone', needsAddon, () => {
  const before = openDescriptors();
  const path = join(folder, 'socket');
  const { listener } = nextConnection(path);
  assert.throws(() => nextConnection(path), { code: 'EADDRINUSE', syscall: 'bind' });
  listener.close();
  writeFileSync(path, 'a file');
  assert.throws(() => nextConnection(path), { code: 'EADDRINUSE' });
  assert.ok(existsSync(path));
  assert.equal(openDescriptors(), before);
});

test('a socket file that nobody listens on any more is replaced', needsAddon, () => {
  const path = join(folder, 'socket');
  addon.close(addon.listenUnix(path, 1));
  assert.ok(existsSync(path));
  nextConnection(path).listener.close();
});

test('a path that is too long is refused', needsAddon, () => {
  const long = join(folder, 'x'.repeat(120));
  assert.throws(() => nextConnection(long), { code: 'ENAMETOOLONG' });
  assert.throws(() => addon.connectUnix(long), { code: 'ENAMETOOLONG' });
  assert.throws(() => addon.connectUnix(''), TypeError);
});

test('an abstract name leaves no file', needsAddon, async () => {
  const name = `\0godwit-test-${process.pid}`;
  const { listener, connection } = nextConnection(name);
  addon.close(addon.connectUnix(name));
  addon.close(await connection);
  listener.close();
  assert.throws(() => addon.connectUnix(name), { code: 'ECONNREFUSED' });
});
