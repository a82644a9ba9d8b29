import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { native, nativeUnavailableReason } from '@godwit/native';
import {
  createMemoryTransports,
  MonitorServer,
  QmpClient,
  QmpCommandError,
  QmpDisconnectedError,
  QmpServer,
  type SocketAddress,
} from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';
import { plain, settle } from './support/wire.js';

const withoutAddon = native === undefined ? `there is no addon: ${nativeUnavailableReason}` : false;

async function serve(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-qmp-'));
  const address: SocketAddress = { kind: 'unix', path: join(folder, 'qmp.sock') };
  const clock = new VirtualClock();
  const dispatcher = new SampleDispatcher();
  const qmp = new QmpServer({ dispatcher, clock });
  const monitor = qmp.addMonitor({ label: 'mon' });
  const server = await MonitorServer.open(monitor, { kind: 'listen', address }, { clock, native });
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const close = async () => {
    await server.close();
    qmp.close();
    await settle();
  };
  const connect = () => QmpClient.connect(address, { clock, native });
  return { dispatcher, monitor, connect, close };
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('a descriptor arrives with its command, lent or handed over, and none is left open', {
  skip: withoutAddon,
}, async (t) => {
  const before = openDescriptors();
  const { connect, monitor, dispatcher, close } = await serve(t);
  const client = await connect();
  const file = openSync('/dev/null', 'r');
  await client.execute('getfd', { fdname: 'lent' }, { fds: [file] });
  const received = monitor.descriptors.take('lent');
  assert.equal(fstatSync(received).rdev, fstatSync(file).rdev);
  assert.notEqual(received, file);
  closeSync(received);
  await client.execute('getfd', { fdname: 'given' }, { fds: [{ fd: file, handOver: true }] });
  assert.equal(monitor.descriptors.size, 1);

  // Several with one command, and some with a command that wants none.
  const several = [1, 2, 3].map(() => openSync('/dev/null', 'r'));
  const taken = await client.execute('take', undefined, { fds: several });
  assert.equal(typeof taken, 'number');
  closeSync(dispatcher.taken[0]!);
  await client.execute('stop', undefined, { fds: several });
  for (const fd of several) closeSync(fd);

  // Pipelined, each command has its own.
  const files = [openSync('/dev/null', 'r'), openSync('/dev/zero', 'r')];
  await Promise.all(
    files.map((fd, index) => client.execute('getfd', { fdname: `p${index}` }, { fds: [fd] })),
  );
  for (const [index, fd] of files.entries()) {
    const mine = monitor.descriptors.take(`p${index}`);
    assert.equal(fstatSync(mine).rdev, fstatSync(fd).rdev);
    closeSync(mine);
    closeSync(fd);
  }

  // A command that fails, and a client that goes away in the middle.
  const failing = openSync('/dev/null', 'r');
  await assert.rejects(
    client.execute('getfd', { fdname: '9' }, { fds: [{ fd: failing, handOver: true }] }),
    QmpCommandError,
  );
  const waiting = openSync('/dev/null', 'r');
  client.execute('wait', undefined, { fds: [{ fd: waiting, handOver: true }] }).catch(() => {});
  await until(() => dispatcher.log.at(-1) === 'mon:wait');
  await client.close();
  await until(() => monitor.session === undefined);
  dispatcher.open();
  await close();
  assert.equal(openDescriptors(), before);
});

test('commands with descriptors wait for each other, and what comes behind them for its turn', {
  skip: withoutAddon,
}, async (t) => {
  const before = openDescriptors();
  const { connect, dispatcher, monitor, close } = await serve(t);
  const client = await connect();
  const file = openSync('/dev/null', 'r');
  const send = (fdname: string, options = {}) =>
    client.execute('getfd', { fdname }, { fds: [file], ...options });
  const waiting = client.execute('wait', undefined, { fds: [file] });
  const second = send('second');
  const behind = client.execute('stop');
  const controller = new AbortController();
  const given = send('given up', { signal: controller.signal });
  const urgent = client.executeOob('urgent');
  assert.equal(await urgent, 'now');
  controller.abort(new Error('changed my mind'));
  await assert.rejects(given, /changed my mind/);
  assert.deepEqual(dispatcher.log, ['mon:wait', 'mon:urgent']);
  dispatcher.open();
  await Promise.all([waiting, second, behind]);
  assert.deepEqual(dispatcher.log.slice(2), ['mon:getfd', 'mon:stop']);
  assert.equal(monitor.descriptors.size, 1);
  const lost = [client.execute('wait', undefined, { fds: [file] }), send('lost')];
  await until(() => dispatcher.log.at(-1) === 'mon:wait');
  await client.close();
  for (const each of lost) await assert.rejects(each, QmpDisconnectedError);
  dispatcher.open();
  closeSync(file);
  await close();
  assert.equal(openDescriptors(), before);
});

test('names survive a reconnect; the server closes them at its end', { skip: withoutAddon }, async (t) => {
  const before = openDescriptors();
  const { connect, monitor, close } = await serve(t);
  const first = await connect();
  const file = openSync('/dev/null', 'r');
  await first.execute('getfd', { fdname: 'a' }, { fds: [{ fd: file, handOver: true }] });
  await first.close();
  await until(() => monitor.session === undefined);
  const second = await connect();
  assert.deepEqual(await second.execute('closefd', { fdname: 'a' }), plain('{}'));
  const another = openSync('/dev/null', 'r');
  await second.execute('getfd', { fdname: 'b' }, { fds: [{ fd: another, handOver: true }] });
  await second.close();
  await close();
  assert.equal(openDescriptors(), before);
});

test('a large reply reaches a client that is slow, whole', { skip: withoutAddon }, async (t) => {
  const { connect, close } = await serve(t);
  const client = await connect();
  const replies = await Promise.all(Array.from({ length: 40 }, () => client.execute('large')));
  assert(replies.every((reply) => typeof reply === 'string' && reply.length === 200_000));
  await client.close();
  await close();
});

test('without the addon descriptors are refused before anything is sent, and those handed over are closed', async () => {
  const before = openDescriptors();
  const dispatcher = new SampleDispatcher();
  const qmp = new QmpServer({ dispatcher, clock: new VirtualClock() });
  const [ours, theirs] = createMemoryTransports();
  void qmp.addMonitor({ label: 'mon' }).attach(ours);
  const client = await QmpClient.connect(theirs, { clock: new VirtualClock() });
  const file = openSync('/dev/null', 'r');
  await assert.rejects(
    client.execute('getfd', { fdname: 'a' }, { fds: [{ fd: file, handOver: true }] }),
    /descriptors can only be sent over a unix socket, and with the addon/,
  );
  assert.deepEqual(dispatcher.log, []);
  await client.close();
  qmp.close();
  assert.equal(openDescriptors(), before);
});

test('descriptors that cannot be sent are refused with their command, and the connection goes on', {
  skip: withoutAddon,
}, async (t) => {
  const before = openDescriptors();
  const { connect, close } = await serve(t);
  const client = await connect();
  const file = openSync('/dev/null', 'r');
  const closed = 999_999;
  for (const bad of [closed, { fd: closed, handOver: true } as const]) {
    const handed = openSync('/dev/null', 'r');
    await assert.rejects(
      client.execute('getfd', { fdname: 'a' }, { fds: [file, { fd: handed, handOver: true }, bad] }),
      { code: 'EBADF' },
    );
    assert.throws(() => fstatSync(handed), { code: 'EBADF' });
  }
  await assert.rejects(
    client.execute('getfd', { fdname: 'a' }, { fds: Array.from({ length: 17 }, () => file) }),
    /at most 16 descriptors go with one command/,
  );
  const handed = openSync('/dev/null', 'r');
  const fds = [file, { fd: handed, handOver: true }] as const;
  await assert.rejects(client.execute('echo', { bad: Number.NaN }, { fds }), TypeError);
  assert.throws(() => fstatSync(handed), { code: 'EBADF' });
  await client.execute('getfd', { fdname: 'a' }, { fds: [file] });
  await client.execute('closefd', { fdname: 'a' });
  closeSync(file);
  await client.close();
  await close();
  await until(() => openDescriptors() === before);
});

test('what was still held when the connection broke is told apart from what was sent', {
  skip: withoutAddon,
}, async (t) => {
  const before = openDescriptors();
  const { connect, dispatcher, monitor, close } = await serve(t);
  const client = await connect();
  const file = openSync('/dev/null', 'r');
  const sent = client.execute('wait', undefined, { fds: [file] });
  const held = client.execute('getfd', { fdname: 'b' }, { fds: [{ fd: file, handOver: true }] });
  const outcomes = Promise.allSettled([sent, held]);
  await until(() => dispatcher.log.includes('mon:wait'));
  monitor.session?.destroy();
  const [first, second] = (await outcomes) as PromiseRejectedResult[];
  assert.match(String(first!.reason), /before the reply to wait came; it may have run/);
  assert.equal(first!.reason.lost.command, 'wait');
  assert.match(String(second!.reason), /before getfd was sent/);
  assert.equal(second!.reason.lost, undefined);
  dispatcher.open();
  await client.close();
  await close();
  await until(() => openDescriptors() === before);
});
