import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { QmpClient } from '@godwit/qmp';
import { clientTls, type SocketTls } from '../src/chardev/socket-tls.js';
import type { ChardevInfo } from '../src/protocol.js';
import { CLIENT_FILES, credentialFolder, fixture, SERVER_FILES } from './objects/credential-folder.js';
import { createTestMachine, type TestMachine } from './support/test-machine.js';

const pem = (name: string) => readFileSync(fixture(name));
const known: ConnectionOptions = { ca: pem('ca-cert'), cert: pem('client-cert'), key: pem('client-key') };
const stranger: ConnectionOptions = {
  ...known,
  cert: pem('stranger-cert'),
  key: pem('stranger-key'),
};

interface Private {
  readonly machine: TestMachine;
  readonly connect: (tls: ConnectionOptions) => Promise<QmpClient>;
}

/** A machine with a monitor that speaks TLS, and lets in whom the rules of `authz` allow. */
async function privateMachine(t: TestContext, tls: SocketTls): Promise<Private> {
  const dir = credentialFolder(t, SERVER_FILES);
  const machine = await createTestMachine({
    objects: [
      { type: 'tls-creds-x509', id: 'creds', properties: { dir, endpoint: 'server', 'verify-peer': 'on' } },
      { type: 'authz-simple', id: 'known', properties: { identity: 'CN=a client,O=Godwit' } },
      {
        type: 'authz-list',
        id: 'rules',
        properties: { policy: 'allow', rules: [{ match: 'CN=a *', policy: 'deny', format: 'glob' }] },
      },
    ],
    chardevs: [
      {
        kind: 'socket',
        id: 'private',
        endpoint: { type: 'inet', host: '127.0.0.1', port: 0 },
        server: true,
        wait: false,
        tls,
      },
    ],
  });
  t.after(() => machine.close());
  await machine.machine.openMonitors({ chardev: 'private', mode: 'control', pretty: false });
  const chardevs = (await machine.client.execute('query-chardev')) as unknown as ChardevInfo[];
  const filename = chardevs.find(({ label }) => label === 'private')!.filename;
  const port = Number(/^disconnected:tcp:127\.0\.0\.1:(\d+),server=on$/.exec(filename)?.[1]);
  return {
    machine,
    connect: (options) => QmpClient.connect({ kind: 'tcp', host: '127.0.0.1', port }, { tls: options }),
  };
}

test('a monitor speaks TLS with clients that its authority knows', async (t) => {
  const { machine, connect } = await privateMachine(t, { credentials: 'creds' });
  const before = readdirSync('/proc/self/fd').length;
  const client = await connect(known);
  await client.execute('query-name');
  await client.close();
  await assert.rejects(connect({ ca: pem('ca-cert') }));
  await assert.rejects(connect(stranger));
  const again = await connect(known);
  await again.close();
  while (readdirSync('/proc/self/fd').length > before) await new Promise((resolve) => setImmediate(resolve));
  assert(machine.warnings.length >= 2);
});

test('clients are let in by the names on their certificates', async (t) => {
  const { connect } = await privateMachine(t, { credentials: 'creds', authorization: 'known' });
  await (await connect(known)).close();
  for (const authorization of ['rules', 'nobody']) {
    const refusing = await privateMachine(t, { credentials: 'creds', authorization });
    await assert.rejects(refusing.connect(known));
  }
});

test('what TLS cannot be spoken with is refused', async (t) => {
  const { machine } = await privateMachine(t, { credentials: 'creds' });
  const dir = credentialFolder(t, CLIENT_FILES);
  await machine.client.execute('object-add', { 'qom-type': 'tls-creds-x509', id: 'calls', dir });
  const unix = { type: 'unix', data: { path: '/nowhere/socket' } };
  const inet = { type: 'inet', data: { host: '127.0.0.1', port: '0' } };
  const cases = [
    [{ addr: inet, 'tls-creds': 'none' }, "No TLS credentials with id 'none'"],
    [{ addr: inet, 'tls-creds': 'known' }, "Object with id 'known' is not TLS credentials"],
    [{ addr: inet, 'tls-creds': 'calls' }, 'Expected TLS credentials for a server endpoint'],
    [{ addr: inet, 'tls-authz': 'known' }, "'tls_authz' option requires 'tls_creds' option"],
    [{ addr: unix, 'tls-creds': 'creds' }, "'tls_creds' option is incompatible with 'unix' address type"],
  ] as const;
  for (const [data, message] of cases) {
    const backend = { type: 'socket', data: { ...data, wait: false } };
    await assert.rejects(machine.client.execute('chardev-add', { id: 'more', backend }), (error: Error) =>
      error.message.endsWith(message),
    );
  }
  assert.throws(
    () =>
      clientTls(
        {
          id: 'more',
          kind: 'socket',
          endpoint: { type: 'fd', name: '3' },
          server: false,
          wait: false,
          tls: { credentials: 'calls' },
        },
        machine.machine.objects,
      ),
    /'tls_creds' option is incompatible with 'fd' address type as client/,
  );
});
