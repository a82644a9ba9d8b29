import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect as connectTls, createServer } from 'node:tls';
import { VirtualClock } from '@godwit/clock';
import type { JsonValue } from '@godwit/json';
import { createTestMachine, type TestMachine } from '../support/test-machine.js';
import { CLIENT_FILES, credentialFolder, fixture, SERVER_FILES } from './credential-folder.js';

async function machineOf(t: TestContext, clock?: VirtualClock): Promise<TestMachine> {
  const machine = await createTestMachine(clock === undefined ? {} : { clock });
  t.after(() => machine.close());
  return machine;
}

/** What object-add says: nothing when it is content. */
async function add(
  machine: TestMachine,
  type: string,
  id: string,
  properties: Record<string, JsonValue>,
): Promise<string> {
  try {
    await machine.client.execute('object-add', { 'qom-type': type, id, ...properties });
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

type Files = Parameters<typeof credentialFolder>[1];

/** Certificates that QEMU refuses, for which side, and why; `DIR` is their folder. */
const REFUSED: readonly (readonly [endpoint: 'server' | 'client', files: Files, message: string])[] = [
  ['server', {}, 'Unable to access credentials DIR/ca-cert.pem: No such file or directory'],
  [
    'server',
    { 'ca-cert': 'ca-cert' },
    'Unable to access credentials DIR/server-cert.pem: No such file or directory',
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-key': undefined },
    'Unable to access credentials DIR/server-key.pem: No such file or directory',
  ],
  [
    'client',
    { ...CLIENT_FILES, 'client-key': undefined },
    "Cert 'DIR/client-cert.pem' without corresponding key 'DIR/client-key.pem'",
  ],
  [
    'server',
    { ...SERVER_FILES, 'ca-cert': { text: 'nothing' } },
    'Unable to import CA certificate list DIR/ca-cert.pem',
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-cert': { text: '' } },
    'Unable to import server certificate DIR/server-cert.pem: Base64 unexpected header error.',
  ],
  [
    'client',
    {
      ...CLIENT_FILES,
      'client-cert': { text: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
    },
    'Unable to import client certificate DIR/client-cert.pem: ASN1 parser: Error in TAG.',
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-key': { text: 'nothing' } },
    "Cannot load certificate 'DIR/server-cert.pem' & key 'DIR/server-key.pem': The requested data were not available.",
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-key': 'client-key' },
    "Cannot load certificate 'DIR/server-cert.pem' & key 'DIR/server-key.pem': The certificate and the given key do not match.",
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-key': 'server-encrypted-key' },
    "Cannot load certificate 'DIR/server-cert.pem' & key 'DIR/server-key.pem': Decryption has failed.",
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-cert': 'stranger-cert', 'server-key': 'stranger-key' },
    'The certificate DIR/server-cert.pem basic constraints show a CA, but we need one for a server',
  ],
  [
    'client',
    { ...CLIENT_FILES, 'ca-cert': 'stranger-cert' },
    "Our own certificate DIR/client-cert.pem failed validation against DIR/ca-cert.pem: The certificate hasn't got a known issuer",
  ],
  [
    'server',
    { ...SERVER_FILES, 'ca-cert': 'server-cert' },
    'The certificate DIR/ca-cert.pem is missing basic constraints for a CA',
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-cert': 'encipherment-only-cert', 'server-key': 'encipherment-only-key' },
    'Certificate DIR/server-cert.pem usage does not permit digital signature',
  ],
  [
    'server',
    { ...SERVER_FILES, 'server-cert': 'client-only-cert', 'server-key': 'client-only-key' },
    'Certificate DIR/server-cert.pem purpose does not allow use with a TLS server',
  ],
  [
    'client',
    { ...CLIENT_FILES, 'client-cert': 'server-only-cert', 'client-key': 'server-only-key' },
    'Certificate DIR/client-cert.pem purpose does not allow use with a TLS client',
  ],
  [
    'server',
    { ...SERVER_FILES, 'ca-crl': { text: 'nothing' } },
    "Cannot load CRL 'DIR/ca-crl.pem': Base64 decoding error.",
  ],
  [
    'server',
    { ...SERVER_FILES, 'dh-params': { text: 'nothing' } },
    'Unable to load DH parameters from DIR/dh-params.pem: Base64 unexpected header error.',
  ],
];

test('certificates that could not work are refused with the reason', async (t) => {
  const machine = await machineOf(t);
  for (const [endpoint, files, message] of REFUSED) {
    const dir = credentialFolder(t, files);
    const said = await add(machine, 'tls-creds-x509', 'tls', { dir, endpoint });
    assert.equal(said.replaceAll(dir, 'DIR'), message);
  }
  assert.equal(
    await add(machine, 'tls-creds-x509', 'tls', { endpoint: 'server' }),
    "Missing 'dir' property value",
  );
  const dir = credentialFolder(t, SERVER_FILES);
  assert.match(
    await add(machine, 'tls-creds-x509', 'tls', { dir, endpoint: 'server', priority: 'NORMAL:+ANON-DH' }),
    /^Unable to set TLS session priority: 'NORMAL:\+ANON-DH' is not supported/,
  );
  const unchecked = credentialFolder(t, { ...CLIENT_FILES, 'ca-cert': 'stranger-cert' });
  assert.equal(await add(machine, 'tls-creds-x509', 'tls', { dir: unchecked, 'sanity-check': false }), '');
});

test('certificates are refused before and after their time', async (t) => {
  const dir = credentialFolder(t, SERVER_FILES);
  for (const [year, message] of [
    [1999, `The server certificate ${dir}/server-cert.pem is not yet active`],
    [2127, `The server certificate ${dir}/server-cert.pem has expired`],
    [2010, ''],
  ] as const) {
    const machine = await machineOf(t, new VirtualClock(Date.UTC(year) * 1000));
    assert.equal(await add(machine, 'tls-creds-x509', 'tls', { dir, endpoint: 'server' }), message);
  }
});

test('a private key is decrypted with a secret', async (t) => {
  const machine = await machineOf(t);
  const dir = credentialFolder(t, { ...SERVER_FILES, 'server-key': 'server-encrypted-key' });
  const tls = (id: string, passwordid: string) =>
    add(machine, 'tls-creds-x509', id, { dir, endpoint: 'server', passwordid });
  assert.equal(await tls('a', 'nothing'), "No secret with id 'nothing'");
  await machine.client.execute('object-add', { 'qom-type': 'iothread', id: 'thread' });
  assert.equal(await tls('a', 'thread'), "Object with id 'thread' is not a secret");
  await add(machine, 'secret', 'wrong', { data: 'other' });
  assert.match(await tls('a', 'wrong'), /Decryption has failed\.$/);
  await add(machine, 'secret', 'right', { data: Buffer.from('secret').toString('base64'), format: 'base64' });
  assert.equal(await tls('a', 'right'), '');
});

test('credentials show their settings', async (t) => {
  const machine = await machineOf(t);
  const dir = credentialFolder(t, SERVER_FILES);
  assert.equal(await add(machine, 'tls-creds-x509', 'tls', { dir, endpoint: 'server' }), '');
  const get = (property: string) => machine.client.execute('qom-get', { path: '/objects/tls', property });
  assert.deepEqual(
    await Promise.all(['dir', 'endpoint', 'verify-peer', 'sanity-check', 'priority'].map(get)),
    [dir, 'server', true, true, ''],
  );
  const properties = (await machine.client.execute('qom-list-properties', {
    typename: 'tls-creds-x509',
  })) as { name: string }[];
  assert.deepEqual(
    properties.map(({ name }) => name),
    ['type', 'endpoint', 'dir', 'verify-peer', 'priority', 'sanity-check', 'passwordid'],
  );
});

/** Does a handshake between two credentials of a machine; returns what the server sent, or why it failed. */
async function handshake(machine: TestMachine, hostname = 'localhost'): Promise<string> {
  const { objects } = machine.machine;
  const server = createServer(objects.tlsCredentials('server', 'server').serverOptions(), (socket) => {
    socket.on('error', () => {});
    socket.end('hello');
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  try {
    return await new Promise<string>((resolve) => {
      const options = objects.tlsCredentials('client', 'client').clientOptions(hostname);
      const socket = connectTls({ ...options, port });
      let text = '';
      socket.on('data', (chunk) => {
        text += String(chunk);
      });
      socket.on('close', () => resolve(text));
      socket.on('error', (error) => resolve(error.message));
    });
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

test('both sides know each other by certificates, and a revoked one by none', async (t) => {
  const machine = await machineOf(t);
  const serverFolder = credentialFolder(t, SERVER_FILES);
  const clientFolder = credentialFolder(t, CLIENT_FILES);
  await add(machine, 'tls-creds-x509', 'server', { dir: serverFolder, endpoint: 'server' });
  await add(machine, 'tls-creds-x509', 'client', { dir: clientFolder, endpoint: 'client' });
  assert.equal(await handshake(machine), 'hello');
  copyFileSync(fixture('client-revoked-crl'), join(serverFolder, 'ca-crl.pem'));
  await machine.machine.objects.tlsCredentials('server', 'server').load();
  assert.notEqual(await handshake(machine), 'hello');
});

test('both sides know a key, and who does not know it is not let in', async (t) => {
  const machine = await machineOf(t);
  const keys = credentialFolder(t, { 'keys.psk': { text: 'qemu:00112233\nalice:aabbccdd\n' } });
  const others = credentialFolder(t, { 'keys.psk': { text: 'qemu:99999999\n' } });
  const psk = (id: string, properties: Record<string, JsonValue>) =>
    add(machine, 'tls-creds-psk', id, properties);
  assert.equal(await psk('server', { dir: keys, endpoint: 'server' }), '');
  assert.equal(await psk('client', { dir: keys, username: 'alice' }), '');
  assert.equal(await handshake(machine), 'hello');
  await machine.client.execute('object-del', { id: 'client' });
  assert.equal(await psk('client', { dir: others }), '');
  assert.notEqual(await handshake(machine), 'hello');
  assert.equal(
    await psk('bob', { dir: keys, username: 'bob' }),
    `Username bob not found in PSK file ${keys}/keys.psk`,
  );
});

test('anonymous credentials need no files', async (t) => {
  const machine = await machineOf(t);
  assert.equal(await add(machine, 'tls-creds-anon', 'server', { endpoint: 'server' }), '');
  assert.equal(await add(machine, 'tls-creds-anon', 'client', {}), '');
  assert.equal(await handshake(machine), 'hello');
});

test('who asks for credentials gets those for its side', async (t) => {
  const machine = await machineOf(t);
  await add(machine, 'tls-creds-anon', 'server', { endpoint: 'server' });
  await machine.client.execute('object-add', { 'qom-type': 'iothread', id: 'thread' });
  const { objects } = machine.machine;
  assert.throws(
    () => objects.tlsCredentials('server', 'client'),
    /^QapiError: Expected TLS credentials for a client endpoint$/,
  );
  assert.throws(() => objects.tlsCredentials('none', 'client'), /No TLS credentials with id 'none'/);
  assert.throws(
    () => objects.tlsCredentials('thread', 'client'),
    /Object with id 'thread' is not TLS credentials/,
  );
});
