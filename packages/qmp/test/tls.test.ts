import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { ConnectionOptions, TlsOptions } from 'node:tls';
import { VirtualClock } from '@godwit/clock';
import { MonitorServer, QmpClient, QmpServer } from '../src/index.js';
import { SampleDispatcher } from './support/sample-dispatcher.js';
import { plain } from './support/wire.js';

function pem(name: string): Buffer {
  return readFileSync(new URL(`../../test/fixtures/tls/${name}.pem`, import.meta.url));
}

const serverCertificate: TlsOptions = { cert: pem('server-cert'), key: pem('server-key') };
const verifyingServer: TlsOptions = {
  ...serverCertificate,
  ca: pem('ca-cert'),
  requestCert: true,
  rejectUnauthorized: true,
};
const trusting: ConnectionOptions = { ca: pem('ca-cert') };
const known: ConnectionOptions = { ...trusting, cert: pem('client-cert'), key: pem('client-key') };
const stranger: ConnectionOptions = { ...trusting, cert: pem('stranger-cert'), key: pem('stranger-key') };

async function serve(t: TestContext, tls: TlsOptions) {
  const clock = new VirtualClock();
  const qmp = new QmpServer({ dispatcher: new SampleDispatcher(), clock });
  const monitor = qmp.addMonitor({ label: 'mon' });
  const reports: string[] = [];
  const server = await MonitorServer.open(
    monitor,
    { kind: 'listen', address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, tls },
    { clock, onReport: (text) => reports.push(text) },
  );
  t.after(async () => {
    await server.close();
    qmp.close();
  });
  const connect = (options?: ConnectionOptions) =>
    QmpClient.connect(server.address!, { clock, ...(options === undefined ? {} : { tls: options }) });
  return { connect, reports, monitor };
}

test('a monitor speaks TLS, and a large reply comes through', async (t) => {
  const { connect } = await serve(t, serverCertificate);
  const client = await connect(trusting);
  assert.deepEqual(await client.execute('echo', { a: 1 }), plain('{"a": 1}'));
  const [first, second] = await Promise.all([client.execute('large'), client.execute('large')]);
  assert.equal(String(first).length + String(second).length, 400_000);
  await client.close();
});

test('a client whose certificate the authority has not signed is refused, and reported', async (t) => {
  const { connect, reports, monitor } = await serve(t, verifyingServer);
  await assert.rejects(connect(stranger));
  await assert.rejects(connect(trusting));
  assert.equal(monitor.session, undefined);
  while (reports.length < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.match(reports[0]!, /^monitor mon \(tcp:127.0.0.1:0\): /);
  const client = await connect(known);
  assert.deepEqual(await client.execute('stop'), plain('{}'));
  await client.close();
});

test('a client refuses a server that it cannot trust', async (t) => {
  const { connect } = await serve(t, serverCertificate);
  await assert.rejects(
    connect({ ca: pem('stranger-cert') }),
    /cannot connect to tcp:127.0.0.1:.*certificate/,
  );
});
