import assert from 'node:assert/strict';
import { closeSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { native } from '@godwit/native';
import { createMemoryTransports } from '@godwit/qmp';
import { HeldConnection } from '../src/chardev/held-connection.js';
import { inetEndpoint, resolveHost } from '../src/chardev/inet-endpoint.js';
import { createTestMachine, execute, type TestMachine } from './support/test-machine.js';

const noAddon = native === undefined ? 'the addon is not there' : false;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

function add(machine: TestMachine, addr: object, more: object = { wait: false }): Promise<unknown> {
  return execute(machine, 'chardev-add', { id: 'a', backend: { type: 'socket', data: { addr, ...more } } });
}

/** The file name of the only device. */
function filenameOf({ machine }: TestMachine): string {
  return machine.chardevs.made[0]!.filename;
}

const listening = (server: Server) => new Promise((resolve) => server.once('listening', resolve));

test('the end of a client is noticed though nobody uses the device, and the next one may come', async () => {
  const machine = await createTestMachine();
  const path = join(folder, 'hang-up');
  await add(machine, { type: 'unix', data: { path } });
  for (const _ of ['once', 'again']) {
    assert.equal(filenameOf(machine), `disconnected:unix:${path},server=on`);
    const client = connect(path);
    await machine.clock.advanceUntil(() => filenameOf(machine) === `unix:${path},server=on`);
    client.write('unread');
    client.destroy();
    await machine.clock.advanceUntil(() => filenameOf(machine).startsWith('disconnected:'));
  }
  await machine.close();
});

test('what a client says before somebody uses the device is kept, a bounded part of it', async () => {
  const [near, far] = createMemoryTransports();
  const held = new HeldConnection(near, () => assert.fail('the client is there'));
  far.start({ data: () => {}, drain: () => {}, ended: () => {}, closed: () => {} });
  const pieces = 64;
  for (let piece = 0; piece < pieces; piece++) far.write(Buffer.alloc(4096, piece));
  // The memory transport hands over in microtasks.
  await new Promise(setImmediate);
  assert.ok(far.writableLength > 0, 'the client has to wait with the rest');
  const seen: number[] = [];
  await new Promise<void>((resolve) => {
    held.start({
      data: (chunk) => {
        for (const byte of chunk) if (byte !== seen.at(-1)) seen.push(byte);
        if (seen.length === pieces) resolve();
      },
      drain: () => {},
      ended: () => {},
      closed: () => {},
    });
  });
  assert.deepEqual(
    seen,
    Array.from({ length: pieces }, (_, index) => index),
  );
  far.destroy();
});

test("what came before is handed over at the reader's pace", async () => {
  const [near, far] = createMemoryTransports();
  const held = new HeldConnection(near, () => assert.fail('the client is there'));
  for (const text of ['one ', 'two ', 'three ']) far.write(Buffer.from(text));
  await new Promise(setImmediate);
  let seen = '';
  held.start({
    data: (chunk) => {
      seen += Buffer.from(chunk).toString();
      held.pause();
    },
    drain: () => {},
    ended: () => {},
    closed: () => {},
  });
  assert.equal(seen, 'one ');
  held.resume();
  assert.equal(seen, 'one two ');
  held.resume();
  assert.equal(seen, 'one two three ');
  held.destroy();
});

test('an abstract socket has no file, and is reached by its name', { skip: noAddon }, async () => {
  for (const [data, suffix] of [
    [{}, ',tight=on'],
    [{ tight: false }, ''],
  ] as const) {
    const machine = await createTestMachine();
    const path = join(folder, 'abstract');
    await add(machine, { type: 'unix', data: { path, abstract: true, ...data } });
    assert.equal(filenameOf(machine), `disconnected:unix:${path},abstract=on${suffix},server=on`);
    assert.ok(!existsSync(path));
    const name = suffix === '' ? `\0${path}`.padEnd(108, '\0') : `\0${path}`;
    const fd = native!.connectUnix(name);
    await machine.clock.advanceUntil(() => !filenameOf(machine).startsWith('disconnected:'));
    closeSync(fd);
    await machine.close();
  }
});

test('of several ports the first free one is taken, and without one it says so', async () => {
  const machine = await createTestMachine();
  const taken = createServer().listen(0, '127.0.0.1');
  await listening(taken);
  const { port } = taken.address() as { port: number };
  const data = { host: '127.0.0.1', port: String(port) };
  await assert.rejects(
    add(machine, { type: 'inet', data }),
    /Failed to find an available port: Address already in use$/,
  );
  await add(machine, { type: 'inet', data: { ...data, to: 65535 } });
  const [, chosen] = /^disconnected:tcp:127\.0\.0\.1:(\d+),server=on$/.exec(filenameOf(machine)) ?? [];
  assert.ok(Number(chosen) > port);
  taken.close();
  await machine.close();
});

test('a client that cannot connect says so once, and tries again', async () => {
  const machine = await createTestMachine();
  const path = join(folder, 'later');
  await add(machine, { type: 'unix', data: { path } }, { server: false, reconnect: 1 });
  await machine.clock.advance(5000);
  assert.deepEqual(machine.warnings, [
    `Unable to connect character device a: Failed to connect to '${path}': No such file or directory`,
  ]);
  const server = createServer().listen(path);
  await listening(server);
  await machine.clock.advanceUntil(() => filenameOf(machine) === 'unix:');
  await machine.close();
  server.close();
});

test('an address may be asked for by the version of IP', async () => {
  const local = (limits: object) => inetEndpoint('127.0.0.1', '1', limits);
  assert.equal(await resolveHost(local({ ipv4: true }), 'listen'), '127.0.0.1');
  assert.equal(await resolveHost(local({ ipv4: true, ipv6: true }), 'listen'), '127.0.0.1');
  assert.equal(await resolveHost(local({ ipv6: true }), 'send'), '::ffff:127.0.0.1');
  await assert.rejects(
    resolveHost(local({ ipv4: false }), 'listen'),
    /^Error: address resolution failed for 127\.0\.0\.1:1: Address family for hostname not supported$/,
  );
  assert.throws(() => local({ ipv4: false, ipv6: false }), /Cannot disable IPv4 and IPv6 at same time/);
});
