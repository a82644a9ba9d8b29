import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { godwitQapi } from './godwit-qapi.js';

const schema = `
  { 'enum': 'Mood', 'data': [ 'good', { 'name': 'bad', 'if': 'CONFIG_BAD' } ] }
  { 'struct': 'MoodInfo', 'data': { 'mood': 'Mood' } }
  { 'command': 'query-mood', 'returns': 'MoodInfo' }
  { 'command': 'sulk', 'if': 'CONFIG_BAD' }`;

/** What a server built with CONFIG_BAD says of itself. */
const reply = [
  { name: 'query-mood', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '1' },
  { name: 'sulk', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
  { name: '0', 'meta-type': 'object', members: [] },
  { name: '1', 'meta-type': 'object', members: [{ name: 'mood', type: '2' }] },
  { name: '2', 'meta-type': 'enum', members: [{ name: 'good' }, { name: 'bad' }], values: ['good', 'bad'] },
];

/** A server that greets, and answers query-qmp-schema with the value given and all else with {}. */
function serve(path: string, schemaReply: unknown): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('{"QMP": {"version": {}, "capabilities": []}}\r\n');
    let input = '';
    socket.on('data', (chunk) => {
      input += chunk;
      if (!isWhole(input)) return;
      const { execute, id } = JSON.parse(input) as { execute: string; id: unknown };
      input = '';
      const value = execute === 'query-qmp-schema' ? schemaReply : {};
      socket.write(`${JSON.stringify({ return: value, id })}\r\n`);
    });
  });
  return new Promise((resolve) => server.listen(path, () => resolve(server)));
}

function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('godwit qapi', () => {
  let folder: string;
  let file: string;
  const servers: Server[] = [];

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'godwit-qapi-'));
    file = join(folder, 'mood.json');
    writeFileSync(file, schema);
  });

  after(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  const server = async (name: string, value: unknown): Promise<string> => {
    const path = join(folder, name);
    servers.push(await serve(path, value));
    return path;
  };

  test('introspect prints the entities for a configuration', async () => {
    const withBad = await godwitQapi('introspect', file, '--config', 'CONFIG_BAD');
    assert.equal(withBad.status, 0);
    assert.deepEqual(JSON.parse(withBad.stdout), reply);
    const { stdout } = await godwitQapi('introspect', file, '--config', 'CONFIG_OTHER', '--unmasked');
    const names = (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(names, ['query-mood', 'q_empty', 'MoodInfo', 'Mood']);
  });

  test('introspect reads the configuration from a header', async () => {
    const header = join(folder, 'config-host.h');
    writeFileSync(header, '#define CONFIG_BAD 1\n  # define CONFIG_X\n#undef CONFIG_X\n');
    const { stdout } = await godwitQapi('introspect', file, '--config-header', header);
    assert.deepEqual(JSON.parse(stdout), reply);
  });

  test('introspect finds the configuration of a running server and prints it', async () => {
    const address = await server('infer.sock', reply);
    const { stdout, stderr } = await godwitQapi('introspect', file, '--infer-from', address);
    assert.equal(stderr, '--config CONFIG_BAD\n');
    assert.deepEqual(JSON.parse(stdout), reply);
  });

  test('gen writes files, and leaves them alone when they are as they should be', async () => {
    const out = join(folder, 'generated');
    const first = await godwitQapi('gen', file, '-o', out, '--config', '');
    assert.equal(first.stderr, `${out}: 6 files, 6 of them changed\n`);
    assert.match(readFileSync(join(out, 'types.ts'), 'utf8'), /export type Mood = 'good';/);
    const second = await godwitQapi('gen', file, '-o', out, '--config', 'CONFIG_BAD');
    assert.equal(second.stderr, `${out}: 6 files, 4 of them changed\n`);
    assert.deepEqual(readdirSync(out).sort(), [
      'commands.ts',
      'events.ts',
      'index.ts',
      'introspection.ts',
      'protocol.ts',
      'types.ts',
    ]);
  });

  test('gen names the types of a running server like a known schema', async () => {
    const address = await server('gen.sock', reply);
    const out = join(folder, 'live');
    assert.equal((await godwitQapi('gen', '--from', address, '--like', file, '-o', out)).status, 0);
    assert.match(readFileSync(join(out, 'types.ts'), 'utf8'), /export type Mood = 'good' \| 'bad';/);
    assert.equal((await godwitQapi('gen', '--from', address, '-o', out)).status, 0);
    assert.match(readFileSync(join(out, 'types.ts'), 'utf8'), /export type MoodInfoMood = 'good' \| 'bad';/);
  });

  test('a server that does not answer with a schema is an error that says so', async () => {
    const address = await server('bad.sock', [{ name: 'a' }]);
    const { status, stderr, stdout } = await godwitQapi('introspect', file, '--infer-from', address);
    assert.deepEqual({ status, stdout }, { status: 1, stdout: '' });
    assert.equal(stderr, `godwit qapi introspect: ${address}: [0].meta-type: is missing\n`);
    const absent = join(folder, 'absent.sock');
    const none = await godwitQapi('gen', '--from', absent, '-o', join(folder, 'none'));
    assert.equal(none.status, 1);
    assert.match(none.stderr, /absent\.sock/);
  });

  test('errors of the schema and of files are reported, with exit code 1', async () => {
    const bad = join(folder, 'bad.json');
    writeFileSync(bad, "{ 'command': 'a', 'data': 'Nothing' }");
    const { status, stderr } = await godwitQapi('gen', bad, '-o', join(folder, 'bad'));
    assert.equal(status, 1);
    assert.match(stderr, /bad\.json:1:.*Nothing/);
    assert.equal((await godwitQapi('introspect', join(folder, 'missing.json'))).status, 1);
    assert.equal((await godwitQapi('gen', file, '-o', file)).status, 1);
    assert.equal((await godwitQapi('introspect', file, '--config-header', join(folder, 'no.h'))).status, 1);
  });

  test('wrong calls explain themselves, with exit code 2', async () => {
    for (const args of [
      [],
      ['sing'],
      ['constructor'],
      ['introspect'],
      ['introspect', file, file],
      ['introspect', file, '--sing'],
      ['introspect', file, '--config', 'A', '--infer-from', 'x'],
      ['gen', file],
      ['gen', file, '--from', 'x', '-o', folder],
      ['gen', file, '--like', file, '-o', folder],
    ]) {
      const { status, stdout, stderr } = await godwitQapi(...args);
      assert.deepEqual({ args, status, stdout }, { args, status: 2, stdout: '' });
      assert.match(stderr, /^(?:usage: godwit qapi |godwit qapi.*; see godwit qapi.* --help\n$)/);
    }
    assert.equal((await godwitQapi('--help')).status, 0);
  });
});
