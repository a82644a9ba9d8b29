import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { MonitorServer, QmpClient, QmpServer, type SocketAddress } from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';

function socketIn(context: TestContext): SocketAddress {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-qmp-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return { kind: 'unix', path: join(folder, 'qmp.sock') };
}

/** Until the client waits for its next attempt; the other timer is its limit. */
async function untilItWaits(clock: VirtualClock): Promise<void> {
  while (clock.pendingTimers < 2) await new Promise((resolve) => setImmediate(resolve));
}

test('a client that is to wait for its server connects when somebody listens', async (context) => {
  const address = socketIn(context);
  const clock = new VirtualClock();
  const connecting = QmpClient.connect(address, { clock, awaitServer: true });
  for (let attempt = 0; attempt < 3; attempt++) {
    await untilItWaits(clock);
    await clock.advance(20);
  }
  await untilItWaits(clock);
  const qmp = new QmpServer({ dispatcher: new SampleDispatcher(), clock });
  const monitor = qmp.addMonitor({ label: 'mon' });
  const server = await MonitorServer.open(monitor, { kind: 'listen', address }, { clock });
  context.after(async () => {
    await server.close();
    qmp.close();
  });
  await clock.advance(20);
  const client = await connecting;
  assert.equal(client.state, 'connected');
  await client.close();
  assert.equal(clock.pendingTimers, 0);
});

test('it waits no longer than it may take to connect', async (context) => {
  const clock = new VirtualClock();
  const connecting = QmpClient.connect(socketIn(context), { clock, awaitServer: true, connectTimeoutMs: 50 });
  const failed = assert.rejects(connecting, /^QmpDisconnectedError: there is no QMP session after 50 ms$/);
  for (let attempt = 0; attempt < 3; attempt++) {
    await untilItWaits(clock);
    await clock.advance(20);
  }
  await failed;
});

test('what cannot come to be is no reason to wait', async () => {
  const path = 'x'.repeat(200);
  await assert.rejects(
    QmpClient.connect({ kind: 'unix', path }, { clock: new VirtualClock(), awaitServer: true }),
    /too long/,
  );
});

test('without being asked to, a client does not wait', async (context) => {
  await assert.rejects(QmpClient.connect(socketIn(context), { clock: new VirtualClock() }), /ENOENT/);
});
