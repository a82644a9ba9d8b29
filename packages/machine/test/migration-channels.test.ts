import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { native } from '@godwit/native';
import { NamedDescriptors } from '@godwit/qmp';
import { CLIENT_FILES, credentialFolder, SERVER_FILES } from './objects/credential-folder.js';
import { createTestMachine, device, execute, type TestMachine } from './support/test-machine.js';

const skip = native === undefined ? 'needs the addon' : false;
const devices = [device('nic', { model: 'nic' })];

interface World {
  readonly source: TestMachine;
  readonly destination: TestMachine;
  readonly folder: string;
  /** Until both sides have ended; what became of the source. */
  ended(): Promise<{ status: string; 'error-desc'?: string }>;
}

async function world(t: TestContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-channels-'));
  const before = readdirSync('/proc/self/fd').length;
  const clock = new VirtualClock(1_700_000_000_000_000);
  const source = await createTestMachine({ clock, devices });
  const destination = await createTestMachine({ clock, devices, incoming: 'defer' });
  t.after(async () => {
    await source.close();
    await destination.close();
    await clock.advance(100);
    rmSync(folder, { recursive: true });
    assert.equal(readdirSync('/proc/self/fd').length, before, 'descriptors were leaked');
  });
  const hasEnded = ({ machine }: TestMachine) =>
    ['completed', 'failed'].includes(machine.migrations.info().status ?? '');
  return {
    source,
    destination,
    folder,
    async ended() {
      await clock.advanceUntil(() => hasEnded(source) && hasEnded(destination), 20_000);
      return (await execute(source, 'query-migrate')) as { status: string; 'error-desc'?: string };
    },
  };
}

/** What getfd leaves with a monitor. */
function descriptorsWith(fds: Readonly<Record<string, number>>): NamedDescriptors {
  const descriptors = new NamedDescriptors(closeSync);
  for (const [name, fd] of Object.entries(fds)) descriptors.add(name, fd);
  return descriptors;
}

async function assertMoved({ ended, destination }: World): Promise<void> {
  const info = await ended();
  assert.equal(info.status, 'completed', info['error-desc']);
  assert.equal(((await execute(destination, 'query-status')) as { status: string }).status, 'running');
}

test('fd: a connected pair of sockets', { skip }, async (t) => {
  const here = await world(t);
  const [near, far] = native!.socketpair();
  const { migrations } = here.source.machine;
  const arriving = here.destination.machine.migrations;
  await arriving.listen({ uri: 'fd:far', descriptors: descriptorsWith({ far }) });
  await migrations.migrate({ uri: 'fd:near', descriptors: descriptorsWith({ near }) });
  await assertMoved(here);
});

test('fd: a file, from where it stands', { skip }, async (t) => {
  const here = await world(t);
  const path = join(here.folder, 'guest');
  const out = openSync(path, 'w');
  writeFileSync(out, 'head');
  await here.source.machine.migrations.migrate({
    uri: 'fd:file',
    descriptors: descriptorsWith({ file: out }),
  });
  await here.source.clock.advanceUntil(
    () => here.source.machine.migrations.info().status === 'completed',
    20_000,
  );
  const into = openSync(path, 'r');
  readSync(into, Buffer.alloc(4));
  await here.destination.machine.migrations.listen({
    uri: 'fd:file',
    descriptors: descriptorsWith({ file: into }),
  });
  await assertMoved(here);
});

test('fd: what nobody passed is not there', async (t) => {
  const { source, destination } = await world(t);
  const missing = (name: string) => `File descriptor named '${name}' has not been found`;
  await assert.rejects(execute(source, 'migrate', { uri: 'fd:a' }), { message: missing('a') });
  await assert.rejects(execute(source, 'migrate', { uri: 'fd:0' }), { message: missing('0') });
  await assert.rejects(execute(destination, 'migrate-incoming', { uri: 'fd:a' }), { message: missing('a') });
  await assert.rejects(execute(destination, 'migrate-incoming', { uri: 'fd:1x' }), {
    message: "Invalid file descriptor number '1x'",
  });
  await assert.rejects(execute(destination, 'migrate-incoming', { uri: 'fd:999999' }), {
    message: 'Unable to use file descriptor 999999: Bad file descriptor',
  });
});

test('file: a descriptor of a set, if one was opened that way', { skip }, async (t) => {
  const here = await world(t);
  const path = join(here.folder, 'guest');
  here.source.machine.fdSets.add(openSync(path, 'w'), 7n);
  here.destination.machine.fdSets.add(openSync(path, 'r'), 7n);
  const uri = 'file:/dev/fdset/7,offset=4k';
  await execute(here.source, 'migrate', { uri });
  await here.source.clock.advanceUntil(
    () => here.source.machine.migrations.info().status === 'completed',
    20_000,
  );
  await execute(here.destination, 'migrate-incoming', { uri });
  await assertMoved(here);

  const other = await createTestMachine({ devices });
  other.machine.fdSets.add(openSync(path, 'r'), 1n);
  for (const [set, message] of [
    ['1', 'Failed to find file descriptor with matching flags=0x41'],
    ['2', 'Failed to find fdset /dev/fdset/2'],
  ] as const) {
    await execute(other, 'migrate', { uri: `file:/dev/fdset/${set}` });
    await other.clock.advanceUntil(() => other.machine.migrations.info().status === 'failed');
    assert.equal(other.machine.migrations.info()['error-desc'], message);
  }
  await other.close();
});

test('exec: the program says why it did not take the guest, or had none', async (t) => {
  const { source, destination, ended } = await world(t);
  await execute(destination, 'migrate-incoming', {
    uri: 'exec:echo no guest here >&2; exit 3',
    'exit-on-error': false,
  });
  const warned = () => destination.warnings.length > 0;
  await destination.clock.advanceUntil(warned, 20_000);
  assert.match(
    destination.warnings[0]!,
    /^incoming migration: '\/bin\/sh' ended with status 3: no guest here/,
  );
  await execute(destination, 'migrate-incoming', { uri: 'exec:exit 4' });
  await execute(source, 'migrate', { uri: 'exec:cat > /dev/null; echo no room >&2; exit 5' });
  const info = await ended();
  assert.equal(info['error-desc'], "'/bin/sh' ended with status 5: no room");
});

test('the argument channels has one entry, for the main channel', async (t) => {
  const { source } = await world(t);
  const addr = { transport: 'file', filename: '/nonexistent/x', offset: 0 };
  const main = { 'channel-type': 'main', addr };
  const cpr = { 'channel-type': 'cpr', addr };
  for (const [args, message] of [
    [{}, "need either 'uri' or 'channels' argument"],
    [{ uri: 'unix:/x', channels: [main] }, "need either 'uri' or 'channels' argument"],
    [{ channels: [] }, 'Channel list has no main entry'],
    [{ channels: [cpr] }, 'Channel list has no main entry'],
    [{ channels: [main, main] }, 'Channel list has more than one main entry'],
    [{ channels: [main, cpr] }, "Channels of type 'cpr' are not supported"],
  ] as const) {
    await assert.rejects(execute(source, 'migrate', args), { errorClass: 'GenericError', message });
  }
  await execute(source, 'migrate', { channels: [main] });
  await source.clock.advanceUntil(() => source.machine.migrations.info().status === 'failed');
  assert.match(source.machine.migrations.info()['error-desc'] ?? '', /^Unable to open \/nonexistent\/x/);
});

/** Addresses that cannot be, and what QEMU 7.2 says. */
const BAD_ADDRESSES: readonly (readonly [uri: string, message: string])[] = [
  ['', "Parameter 'uri' expects a valid migration protocol"],
  ['tcp', "Parameter 'uri' expects a valid migration protocol"],
  ['FD:1', "Parameter 'uri' expects a valid migration protocol"],
  ['tcp:', "error parsing address ''"],
  ['tcp:1', "error parsing address '1'"],
  ['tcp::', "error parsing port in address ':'"],
  ['tcp:[::1', "error parsing IPv6 address '[::1'"],
  ['unix:', 'invalid Unix socket address'],
];

test('a place that cannot be fails the migration, as query-migrate tells then', async (t) => {
  const { source } = await world(t);
  for (const [uri, message] of BAD_ADDRESSES) {
    await assert.rejects(execute(source, 'migrate', { uri }), { errorClass: 'GenericError', message });
    const unknown = message.includes('valid migration protocol');
    assert.deepEqual(source.machine.migrations.info(), {
      status: 'failed',
      ...(unknown ? {} : { 'error-desc': message }),
    });
  }
});

/** Both sides have credentials, with files that may be others than usual. */
async function withTls(t: TestContext, clientFiles: object, authz?: string): Promise<World> {
  const here = await world(t);
  const credentials = (endpoint: string, dir: string) => ({
    'qom-type': 'tls-creds-x509',
    id: 'tls0',
    endpoint,
    dir,
    'sanity-check': false,
  });
  const { source, destination } = here;
  await execute(source, 'object-add', credentials('client', credentialFolder(t, { ...clientFiles })));
  await execute(destination, 'object-add', credentials('server', credentialFolder(t, SERVER_FILES)));
  await execute(source, 'migrate-set-parameters', { 'tls-creds': 'tls0' });
  await execute(destination, 'migrate-set-parameters', { 'tls-creds': 'tls0' });
  if (authz !== undefined) {
    await execute(destination, 'object-add', { 'qom-type': 'authz-simple', id: 'who', identity: authz });
    await execute(destination, 'migrate-set-parameters', { 'tls-authz': 'who' });
  }
  return here;
}

async function listenOverTcp({ destination }: World): Promise<string> {
  await execute(destination, 'migrate-incoming', { uri: 'tcp:127.0.0.1:0' });
  const [address] = destination.machine.migrations.info()['socket-address'] ?? [];
  assert.ok(address?.type === 'inet');
  return `tcp:127.0.0.1:${address.port}`;
}

test('tls: a guest moves to a destination that is known, by a source that is', async (t) => {
  const here = await withTls(t, CLIENT_FILES);
  await execute(here.source, 'migrate-set-parameters', { 'tls-hostname': 'localhost' });
  await execute(here.source, 'migrate', { uri: await listenOverTcp(here) });
  await assertMoved(here);
});

test('tls: a unix socket', async (t) => {
  const here = await withTls(t, CLIENT_FILES);
  const uri = `unix:${join(here.folder, 'socket')}`;
  await execute(here.source, 'migrate-set-parameters', { 'tls-hostname': 'localhost' });
  await execute(here.destination, 'migrate-incoming', { uri });
  await execute(here.source, 'migrate', { uri });
  await assertMoved(here);
});

test('tls: every channel of multifd', async (t) => {
  const here = await withTls(t, CLIENT_FILES);
  for (const machine of [here.source, here.destination]) {
    await execute(machine, 'migrate-set-capabilities', {
      capabilities: [{ capability: 'multifd', state: true }],
    });
  }
  await execute(here.source, 'migrate-set-parameters', { 'tls-hostname': 'localhost' });
  await execute(here.source, 'migrate', { uri: await listenOverTcp(here) });
  await assertMoved(here);
  const { ram } = here.source.machine.migrations.info();
  assert.ok((ram?.['multifd-bytes'] ?? 0n) > (ram?.['normal-bytes'] ?? 0n));
});

test('tls: a destination of another name is not trusted; one that is asks for names itself', async (t) => {
  const here = await withTls(t, CLIENT_FILES, 'CN=somebody else');
  const { source, destination } = here;
  const uri = await listenOverTcp(here);
  const failedWith = async (message: RegExp) => {
    await execute(source, 'migrate', { uri });
    await source.clock.advanceUntil(() => source.machine.migrations.info().status === 'failed', 40_000);
    assert.match(source.machine.migrations.info()['error-desc'] ?? '', message);
  };
  await execute(source, 'migrate-set-parameters', { 'tls-hostname': 'elsewhere.example' });
  await failedWith(/^TLS handshake failed: .*does not match/);
  await execute(source, 'migrate-set-parameters', { 'tls-hostname': 'localhost' });
  await failedWith(/./);
  assert.match(destination.warnings.at(-1) ?? '', /TLS x509 authz check for .* is denied/);
  // Who is turned away takes nobody's place.
  assert.equal(destination.machine.migrations.info().status, 'setup');
});

test('tls: credentials have to be there, for the right side, and for a transport that can use them', async (t) => {
  const here = await withTls(t, CLIENT_FILES);
  const { source, destination } = here;
  await assert.rejects(
    execute(source, 'migrate', { uri: 'exec:cat' }),
    /Migration over 'exec' cannot use TLS; set 'tls-creds' to ''/,
  );
  const failsWith = async (id: string, message: string) => {
    await execute(source, 'migrate-set-parameters', { 'tls-creds': id });
    await execute(source, 'migrate', { uri: 'tcp:127.0.0.1:1' });
    await source.clock.advanceUntil(() => source.machine.migrations.info().status === 'failed');
    assert.equal(source.machine.migrations.info()['error-desc'], message);
  };
  await failsWith('none', "No TLS credentials with id 'none'");
  await execute(destination, 'migrate-set-parameters', { 'tls-creds': 'none' });
  await assert.rejects(
    execute(destination, 'migrate-incoming', { uri: 'tcp:127.0.0.1:0' }),
    /No TLS credentials with id 'none'/,
  );
});
