import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import type { JsonObject } from '@godwit/json';
import { createMemoryTransports, StreamTransport } from '@godwit/qmp';
import type { ObjectConfiguration } from '../../src/index.js';
import type { VncConfiguration } from '../../src/vnc/index.js';
import { responseTo } from '../../src/vnc/password.js';
import { credentialFolder, fixture, SERVER_FILES } from '../objects/credential-folder.js';
import { createTestMachine, execute, type TestMachine } from '../support/test-machine.js';
import { TestViewer } from './viewer.js';

const X509_NONE = 260;
const X509_VNC = 261;
const TLS_NONE = 257;

interface Setup {
  readonly vnc?: Partial<VncConfiguration>;
  readonly objects?: readonly ObjectConfiguration[];
  readonly credentials?: JsonObject;
  readonly dir?: string;
}

async function machineOf(context: TestContext, setup: Setup = {}): Promise<TestMachine> {
  const dir = setup.dir ?? credentialFolder(context, SERVER_FILES);
  const machine = await createTestMachine({
    objects: [
      { type: 'tls-creds-x509', id: 'tls', properties: { endpoint: 'server', dir, ...setup.credentials } },
      ...(setup.objects ?? []),
    ],
    vnc: [
      {
        id: 'default',
        password: false,
        tlsCredentials: 'tls',
        share: 'allow-exclusive',
        connections: 32,
        ...setup.vnc,
      },
    ],
  });
  context.after(() => machine.close());
  return machine;
}

function viewerOf({ machine }: TestMachine, skipSecurity = false): TestViewer {
  const [near, far] = createMemoryTransports();
  machine.vnc!.find()!.accept(near, { kind: 'unix', path: '' }, skipSecurity);
  return new TestViewer(far);
}

const read = (name: string) => readFileSync(fixture(name));

const knowing: ConnectionOptions = { ca: read('ca-cert'), servername: 'localhost' };
const WITH_CERTIFICATE: ConnectionOptions = {
  ...knowing,
  cert: read('client-cert'),
  key: read('client-key'),
};
const NAME = 'CN=a client,O=Godwit';

/** What a query returns, as plain objects. */
const query = async (machine: TestMachine, command: string): Promise<unknown> =>
  JSON.parse(JSON.stringify(await execute(machine, command)));

test('a viewer with a certificate sees the console, and is told of by its name', async (context) => {
  const machine = await machineOf(context);
  const viewer = viewerOf(machine);
  await viewer.secure(X509_NONE, WITH_CERTIFICATE);
  assert.deepEqual([...(await viewer.take(4))], [0, 0, 0, 0]);
  await viewer.initialize();
  viewer.setEncodings(16);
  viewer.request(false);
  const [all] = await viewer.update();
  assert.deepEqual([all!.width, all!.height], [640, 400]);
  const end = { host: '', service: '', family: 'unix', websocket: false };
  const asked = { auth: 'vencrypt', vencrypt: 'x509-none' };
  assert.deepEqual(await query(machine, 'query-vnc-servers'), [
    { id: 'default', server: [], clients: [{ ...end, x509_dname: NAME }], ...asked },
  ]);
  assert.equal(
    await execute(machine, 'human-monitor-command', { 'command-line': 'info vnc' }),
    `default:\r\n  Client: : (unix)\r\n    x509_dname: ${NAME}\r\n    sasl_username: none\r\n  Auth: vencrypt (Sub: x509-none)\r\n`,
  );
  viewer.close();
});

const TURNED_AWAY: readonly (readonly [string, ConnectionOptions])[] = [
  ['without a certificate', knowing],
  ['with one of somebody else', { ...knowing, cert: read('stranger-cert'), key: read('stranger-key') }],
  ['without one, over TLS 1.2', { ...knowing, maxVersion: 'TLSv1.2' }],
];

for (const [name, options] of TURNED_AWAY) {
  test(`a viewer ${name} is turned away where certificates are asked for`, async (context) => {
    const machine = await machineOf(context);
    const viewer = viewerOf(machine);
    // With TLS 1.3 a client hears of it only after its own part.
    await viewer.secure(X509_NONE, options).catch(() => viewer.close());
    await viewer.untilClosed();
    const [server] = (await query(machine, 'query-vnc-servers')) as { clients: unknown[] }[];
    assert.deepEqual(server!.clients, []);
  });
}

test('only who is authorized gets in; without the object that says who is, nobody', async (context) => {
  const allowing = (identity: string) => [{ type: 'authz-simple', id: 'who', properties: { identity } }];
  const rows: readonly (readonly [ObjectConfiguration[], boolean])[] = [
    [allowing(NAME), true],
    [allowing('CN=another'), false],
    [[], false],
  ];
  for (const [objects, letIn] of rows) {
    const machine = await machineOf(context, { objects, vnc: { tlsAuthorization: 'who' } });
    const viewer = viewerOf(machine);
    await viewer.secure(X509_NONE, WITH_CERTIFICATE);
    if (letIn) assert.equal((await viewer.take(4)).readUInt32BE(), 0);
    else assert.equal((await viewer.untilClosed()).length, 0);
    viewer.close();
  }
});

test('within TLS the password is asked for, which may come from a secret', async (context) => {
  const machine = await machineOf(context, {
    credentials: { 'verify-peer': false },
    objects: [{ type: 'secret', id: 'word', properties: { data: 'secret' } }],
    vnc: { password: true, passwordSecret: 'word' },
  });
  const answer = async (password: string) => {
    const viewer = viewerOf(machine);
    await viewer.secure(X509_VNC, knowing);
    viewer.send(responseTo(await viewer.take(16), password));
    const result = (await viewer.take(4)).readUInt32BE();
    viewer.close();
    return result;
  };
  assert.equal(await answer('secret'), 0);
  assert.equal(await answer('guess'), 1);
  await execute(machine, 'change-vnc-password', { password: 'other' });
  assert.equal(await answer('secret'), 1);
  assert.equal(await answer('other'), 0);
});

test('a client that is passed with skipauth speaks no TLS', async (context) => {
  const machine = await machineOf(context, { vnc: { password: true } });
  const viewer = viewerOf(machine, true);
  assert.equal(await viewer.authenticate('RFB 003.008\n'), true);
  viewer.close();
});

test('over a socket no descriptor is left of those who got in, were turned away or hang', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-vnc-'));
  const path = join(folder, 'vnc');
  const machine = await machineOf(context, { vnc: { address: { kind: 'unix', path } } });
  const clients = () => machine.machine.vnc!.find()!.clients.length;
  const before = readdirSync('/proc/self/fd').length;
  const viewer = () => {
    const socket = connect(path);
    return new TestViewer(new StreamTransport({ input: socket, output: socket }));
  };
  const good = viewer();
  await good.secure(X509_NONE, WITH_CERTIFICATE);
  await good.take(4);
  await good.initialize();
  const stranger = viewer();
  await stranger.secure(X509_NONE, knowing).catch(() => {});
  const hanging = viewer();
  hanging.send(Buffer.from('RFB 003.008\n'), 19, 0, 2, 0, 0, 1, 4);
  await hanging.take(12 + 2 + 2 + 6 + 1);
  for (const each of [good, stranger, hanging]) each.close();
  await machine.clock.advanceUntil(() => clients() === 0);
  await machine.clock.advanceUntil(() => readdirSync('/proc/self/fd').length <= before);
  await machine.close();
  assert.deepEqual(readdirSync(folder), []);
  rmSync(folder, { recursive: true });
});

test('anonymous TLS needs no certificates', async (context) => {
  const machine = await machineOf(context, {
    objects: [{ type: 'tls-creds-anon', id: 'anonymous', properties: { endpoint: 'server' } }],
    vnc: { tlsCredentials: 'anonymous' },
  });
  const viewer = viewerOf(machine);
  await viewer.secure(TLS_NONE, {
    ciphers: 'ADH-AES256-GCM-SHA384:@SECLEVEL=0',
    maxVersion: 'TLSv1.2',
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
  });
  assert.equal((await viewer.take(4)).readUInt32BE(), 0);
  viewer.close();
});

test('nonsense in place of VeNCrypt or TLS ends the connection, as does silence', async (context) => {
  const machine = await machineOf(context);
  const upTo = async (...steps: Uint8Array[]) => {
    const viewer = viewerOf(machine);
    for (const step of [Buffer.from('RFB 003.008\n'), Uint8Array.of(19), ...steps]) viewer.send(step);
    return viewer;
  };
  const version = Uint8Array.of(0, 2);
  const type = Uint8Array.of(0, 0, 1, 4);
  for (const steps of [
    [Uint8Array.of(0, 1)],
    [version, Uint8Array.of(0, 0, 1, 1)],
    [version, type, Buffer.from('GET / HTTP/1.1\r\n\r\n')],
  ]) {
    await (await upTo(...steps)).untilClosed();
  }
  const old = viewerOf(machine);
  old.send(Buffer.from('RFB 003.003\n'));
  assert.equal((await old.untilClosed()).toString('latin1'), 'RFB 003.008\n\0\0\0\0');
  const silent = await upTo(version, type);
  await silent.take(12 + 2 + 2 + 6 + 1);
  await machine.clock.advance(10_001);
  await silent.untilClosed();
  const [server] = (await query(machine, 'query-vnc-servers')) as { clients: unknown[] }[];
  assert.deepEqual(server!.clients, []);
  assert.equal(machine.machine.guest.runState, 'running');
});

test('certificates are read again for viewers to come, and bad ones change nothing', async (context) => {
  const dir = credentialFolder(context, SERVER_FILES);
  const machine = await machineOf(context, { dir, credentials: { 'verify-peer': false } });
  const reload = () => execute(machine, 'display-reload', { type: 'vnc', 'tls-certs': true });
  await reload();
  copyFileSync(fixture('client-key'), join(dir, 'server-key.pem'));
  await assert.rejects(reload(), /The certificate and the given key do not match/);
  const viewer = viewerOf(machine);
  await viewer.secure(X509_NONE, knowing);
  viewer.close();
});

test('where there is nothing to reload or update, it says so', async (context) => {
  const without = await createTestMachine();
  context.after(() => without.close());
  const plain = await machineOf(context, { vnc: { tlsCredentials: undefined } });
  const reload = (machine: TestMachine, certificates: boolean) =>
    execute(machine, 'display-reload', { type: 'vnc', 'tls-certs': certificates });
  await reload(without, false);
  await assert.rejects(reload(without, true), /Can not find vnc display/);
  await assert.rejects(reload(plain, true), /vnc tls is not enabled/);
  await assert.rejects(execute(without, 'display-update', { type: 'vnc' }), /Can not find vnc display/);
});

test('a server listens elsewhere when it is told to, and stays where it is when it cannot', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-vnc-'));
  const machine = await machineOf(context, { vnc: { tlsCredentials: undefined } });
  const listen = (...paths: string[]) =>
    execute(machine, 'display-update', {
      type: 'vnc',
      addresses: paths.map((name) => ({ type: 'unix', path: join(folder, name) })),
    });
  const places = async () => {
    const [server] = (await query(machine, 'query-vnc-servers')) as { server: { service: string }[] }[];
    return server!.server.map(({ service }) => service.slice(folder.length + 1));
  };
  await listen('one', 'two');
  assert.deepEqual(await places(), ['two', 'one']);
  await listen('two', 'three');
  assert.deepEqual(await places(), ['three', 'two']);
  assert.deepEqual(readdirSync(folder).sort(), ['three', 'two']);
  await assert.rejects(listen('four', 'no/such/folder'), /Failed to bind socket/);
  assert.deepEqual(await places(), ['three', 'two']);
  assert.deepEqual(readdirSync(folder).sort(), ['three', 'two']);
  await listen();
  assert.deepEqual(await query(machine, 'query-vnc'), { enabled: false });
  rmSync(folder, { recursive: true });
});

test('a name is resolved to the kind of address that was asked for, and may be asked for again', async (context) => {
  const machine = await machineOf(context, { vnc: { tlsCredentials: undefined } });
  const listen = (host: string, family = {}) =>
    execute(machine, 'display-update', {
      type: 'vnc',
      addresses: [{ type: 'inet', host, port: '47931', to: 47951, ...family }],
    });
  const place = async () => {
    const { host, service } = (await query(machine, 'query-vnc')) as Record<string, string>;
    return [host, service];
  };
  await listen('localhost', { ipv6: false });
  const before = await place();
  assert.equal(before[0], '127.0.0.1');
  await listen('localhost', { ipv6: false });
  assert.deepEqual(await place(), before);
  await assert.rejects(listen('127.0.0.1', { ipv4: false }), /Address family for hostname not supported/);
  await assert.rejects(listen('::1', { ipv6: false }), /address resolution failed for ::1:47931/);
  assert.deepEqual(await place(), before);
});

test('a server goes to a viewer that listens', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-vnc-'));
  const path = join(folder, 'viewer');
  const viewers: TestViewer[] = [];
  const came = new Promise<void>((resolve) => {
    const listening = createServer((socket) => {
      viewers.push(new TestViewer(new StreamTransport({ input: socket, output: socket })));
      resolve();
    }).listen(path);
    context.after(() => listening.close());
  });
  const reverse = { tlsCredentials: undefined, reverse: true, address: { kind: 'unix', path } } as const;
  const machine = await machineOf(context, { vnc: reverse });
  await came;
  assert.equal(await viewers[0]!.authenticate('RFB 003.008\n'), true);
  await viewers[0]!.initialize();
  assert.deepEqual(await query(machine, 'query-vnc'), { enabled: false });
  viewers[0]!.close();
  await assert.rejects(
    machineOf(context, {
      vnc: { ...reverse, source: '-vnc x', address: { kind: 'unix', path: join(folder, 'nobody') } },
    }),
    /^OptionError: -vnc x: Failed to connect to '.*nobody': No such file or directory$/,
  );
  rmSync(folder, { recursive: true });
});
