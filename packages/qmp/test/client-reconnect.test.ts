import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import {
  MonitorServer,
  QmpClient,
  QmpDisconnectedError,
  type QmpGap,
  QmpServer,
  type SocketAddress,
} from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';
import { plain } from './support/wire.js';

async function start(address: SocketAddress) {
  const clock = new VirtualClock();
  const dispatcher = new SampleDispatcher();
  const qmp = new QmpServer({ dispatcher, clock });
  const monitor = qmp.addMonitor({ label: 'mon' });
  const server = await MonitorServer.open(monitor, { kind: 'listen', address }, { clock });
  return { qmp, monitor, server, dispatcher };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test('a client that is to reconnect does, tells of the gap with a snapshot, then goes on with events', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-qmp-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const address: SocketAddress = { kind: 'unix', path: join(folder, 'qmp.sock') };
  const first = await start(address);
  const clock = new VirtualClock(9_000_000);
  const client = await QmpClient.connect(address, {
    clock,
    reconnect: { delayMs: 100, maxDelayMs: 250, snapshot: ['query-name', 'nonsense'] },
  });
  const stream = client.events();
  const gaps: QmpGap[] = [];
  client.onGap((gap) => gaps.push(gap));
  first.qmp.events.emit('STOP');

  await first.server.close();
  first.qmp.close();
  await until(() => client.state === 'reconnecting');
  await assert.rejects(client.execute('stop'), QmpDisconnectedError);
  // Nobody listens: the attempts come after 100, 200 and 250 milliseconds.
  for (const delayMs of [100, 200]) {
    await clock.advance(delayMs);
    await until(() => clock.pendingTimers === 1);
  }
  const second = await start(address);
  t.after(async () => {
    await second.server.close();
    second.qmp.close();
  });
  await clock.advance(250);
  await until(() => client.state === 'connected');
  second.qmp.events.emit('RESUME');
  await until(() => gaps.length === 1);

  const names: string[] = [];
  for await (const item of stream) {
    names.push(item.type === 'event' ? item.name : item.type);
    if (names.length === 3) break;
  }
  assert.deepEqual(names, ['STOP', 'gap', 'RESUME']);
  assert.deepEqual(
    { ...gaps[0] },
    {
      type: 'gap',
      reason: undefined,
      lostAt: 9_000_000,
      regainedAt: 9_550_000,
      snapshot: { 'query-name': plain('{}') },
    },
  );
  assert.deepEqual(await client.execute('stop'), plain('{}'));
  await client.close();
  assert.equal(await client.closed, undefined);
  assert.equal(clock.pendingTimers, 0);
});

test('a snapshot that does not come, in time or before too many events, is given up', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-qmp-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const address: SocketAddress = { kind: 'unix', path: join(folder, 'qmp.sock') };
  let current = await start(address);
  const clock = new VirtualClock();
  const client = await QmpClient.connect(address, {
    clock,
    connectTimeoutMs: 500,
    reconnect: { snapshot: ['query-name', 'wait'] },
  });
  const stream = client.events(2000);
  const again = async () => {
    await current.server.close();
    current.qmp.close();
    await until(() => client.state === 'reconnecting');
    current = await start(address);
    await clock.advance(100);
    await until(() => current.dispatcher.log.includes('mon:wait'));
  };
  for (const giveUp of [
    () => clock.advance(500),
    async () => {
      for (let n = 0; n < 1024; n++) current.qmp.events.emit('VFIO_MIGRATION', { n });
    },
  ]) {
    await again();
    current.qmp.events.emit('STOP');
    await giveUp();
    const gap = (await stream.next()).value;
    assert(gap.type === 'gap');
    assert.deepEqual(gap.snapshot, { 'query-name': plain('{}') });
    const after = (await stream.next()).value;
    assert(after.type === 'event' && after.name === 'STOP');
  }
  await client.close();
  await current.server.close();
  current.qmp.close();
});

test('closing a client that reconnects ends its attempts', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-qmp-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const address: SocketAddress = { kind: 'unix', path: join(folder, 'qmp.sock') };
  const { server, qmp } = await start(address);
  const clock = new VirtualClock();
  const client = await QmpClient.connect(address, { clock, reconnect: true });
  await server.close();
  qmp.close();
  await until(() => client.state === 'reconnecting');
  await client.close();
  assert.equal(client.state, 'closed');
  assert.equal(clock.pendingTimers, 0);
});

test('what has no address cannot be connected again, and an address where nobody listens is named', async () => {
  await assert.rejects(QmpClient.connect({ kind: 'fd', fd: 0 }, { reconnect: true }), TypeError);
  await assert.rejects(
    QmpClient.connect('/nowhere/qmp.sock'),
    /cannot connect to unix:\/nowhere\/qmp.sock: .*ENOENT/,
  );
});
