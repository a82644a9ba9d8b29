import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { native } from '@godwit/native';
import {
  connectSocketChannel,
  defaultPageDigests,
  defaultParameters,
  defaultTimeouts,
  ExecChannel,
  FileWriteChannel,
  type OpenChannel,
  OutgoingMigration,
  passedDescriptorChannel,
} from '../src/index.js';
import { TestMachine } from './test-machine.js';

const clock = new SystemClock();
const BROKEN_PIPE = 'Unable to write to socket: Broken pipe';
/** What a socket says whose other end was closed before it had read all that was sent to it. */
const BROKEN_OR_RESET = /^Unable to write to socket: (Broken pipe|Connection reset by peer)$/;

/** Why the migration over this channel fails; the guest runs on. */
async function failure(t: TestContext, open: OpenChannel): Promise<string> {
  const machine = new TestMachine({ clock, devices: [{ id: 'nic0', model: 'nic' }] });
  t.after(() => machine.close());
  machine.randomize();
  const outgoing = new OutgoingMigration({
    machine,
    clock,
    parameters: defaultParameters,
    pageDigests: defaultPageDigests,
    timeouts: defaultTimeouts,
  });
  assert.equal(await outgoing.start(open), 'failed');
  assert.ok(machine.running);
  return outgoing.error?.message ?? '';
}

/** A destination that does as it likes with whoever connects. */
async function destination(t: TestContext, where: string | number, does: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    does(socket);
  });
  server.listen(where);
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address();
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'godwit-broken-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

test('a destination that hangs up is told as QEMU tells it: by what writing comes to', async (t) => {
  const path = join(folder(t), 'socket');
  const unix: OpenChannel = (signal) => connectSocketChannel({ type: 'unix', path }, signal);
  await destination(t, path, (socket) => socket.destroy());
  assert.equal(await failure(t, unix), BROKEN_PIPE);
});

test('so is one that hangs up after it has read something', async (t) => {
  const path = join(folder(t), 'socket');
  await destination(t, path, (socket) => socket.once('data', () => socket.destroy()));
  const reason = await failure(t, (signal) => connectSocketChannel({ type: 'unix', path }, signal));
  assert.match(reason, BROKEN_OR_RESET);
});

test('over TCP it is what the other host answers', async (t) => {
  const address = await destination(t, 0, (socket) => socket.destroy());
  const { port } = address as AddressInfo;
  const host = '127.0.0.1';
  const reason = await failure(t, (signal) => connectSocketChannel({ type: 'inet', host, port }, signal));
  assert.match(reason, BROKEN_OR_RESET);
});

test('a connection that is closed on this side, without a word to the migration', async (t) => {
  const path = join(folder(t), 'socket');
  let close: () => void = () => {};
  // It reads what comes, and answers nothing.
  await destination(t, path, (socket) => socket.on('data', () => close()));
  const reason = await failure(t, async (signal) => {
    const channel = await connectSocketChannel({ type: 'unix', path }, signal);
    close = () => channel.close();
    return channel;
  });
  assert.equal(reason, BROKEN_PIPE);
});

test('a program that takes nothing', async (t) => {
  const open = () => ExecChannel.start(['/bin/sh', '-c', 'exit 3'], 'write');
  assert.equal(await failure(t, open), 'Unable to write to command: Broken pipe');
});

test('a full disk, and what was opened for reading', async (t) => {
  const full = 'Unable to write to file: No space left on device';
  assert.equal(await failure(t, () => FileWriteChannel.open('/dev/full')), full);
  const toFull = openSync('/dev/full', 'w');
  assert.equal(await failure(t, async () => passedDescriptorChannel(toFull, 'write')), full);
  const unwritable = openSync('/dev/zero', 'r');
  const reason = await failure(t, async () => passedDescriptorChannel(unwritable, 'write'));
  assert.equal(reason, 'Unable to write to file: Bad file descriptor');
});

test('a socket that nobody holds at the other end', {
  skip: native === undefined && 'needs the addon',
}, async (t) => {
  const [near, far] = native!.socketpair();
  closeSync(far);
  assert.equal(await failure(t, async () => passedDescriptorChannel(near, 'write')), BROKEN_PIPE);
});
