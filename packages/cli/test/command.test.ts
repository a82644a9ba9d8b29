import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInProcess } from './run-in-process.js';

const COMMANDS = ['demo', 'machine', 'qmp', 'qapi', 'device'];
const NESTED = [
  ['demo'],
  ['qmp'],
  ['qapi', 'check'],
  ['qapi', 'gen'],
  ['qapi', 'introspect'],
  ['qapi', 'dump'],
  ['device', 'check'],
  ['device', 'serve'],
];

test('help lists every command, and goes to standard output where it was asked for', async () => {
  const asked = await runInProcess('--help');
  assert.equal(asked.status, 0);
  assert.equal(asked.stderr, '');
  for (const command of COMMANDS) assert.match(asked.stdout, new RegExp(`^ {2}${command} `, 'm'));
  assert.deepEqual(await runInProcess('-h'), asked);
  assert.deepEqual(await runInProcess('help'), asked);
  assert.deepEqual(await runInProcess(), { status: 2, stdout: '', stderr: asked.stdout });
});

for (const path of NESTED) {
  test(`${path.join(' ')} --help tells how it is called, whatever else is on the line`, async () => {
    const help = await runInProcess(...path, '--help');
    assert.deepEqual([help.status, help.stderr], [0, '']);
    assert.ok(help.stdout.startsWith(`usage: godwit ${path.join(' ')} `), help.stdout);
    for (const line of help.stdout.split('\n')) assert.ok(line.length <= 120, line);
    assert.deepEqual(await runInProcess('help', ...path), help);
    assert.deepEqual(await runInProcess(...path, '--nonsense', '-h'), help);
  });
}

test("help of machine is the list of QEMU's options that it takes", async () => {
  const help = await runInProcess('help', 'machine');
  assert.equal(help.status, 0);
  assert.match(help.stdout, /^usage: godwit machine \[options\]\n\n-name NAME /);
  assert.deepEqual(await runInProcess('machine', '-help'), help);
});

test('help of a command that has commands of its own lists them', async () => {
  const { status, stdout } = await runInProcess('qapi', '--help');
  assert.equal(status, 0);
  assert.match(stdout, /^usage: godwit qapi COMMAND \[ARGUMENTS\]\n\n {2}check .*\n {2}gen /);
});

for (const [args, message] of [
  [['fly'], "godwit: 'fly' is not a command; see godwit --help"],
  [['help', 'fly'], "godwit: 'fly' is not a command; see godwit --help"],
  [['constructor'], "godwit: 'constructor' is not a command; see godwit --help"],
  [['qapi', 'fly'], "godwit qapi: 'fly' is not a command; see godwit qapi --help"],
  [['qapi', 'check', '--fly'], "godwit qapi check: Unknown option '--fly'; see godwit qapi check --help"],
  [['qapi', 'check'], 'godwit qapi check: give a schema file; see godwit qapi check --help'],
  [['demo', '--fly'], "godwit demo: unknown option '--fly'; see godwit demo --help"],
  [['qmp'], 'godwit qmp: give the address of a monitor; see godwit qmp --help'],
  [['qmp', 'a', 'stop', '{}', 'now'], "godwit qmp: 'now' is one argument too many; see godwit qmp --help"],
  [['qmp', 'a', 'stop', '[]'], 'godwit qmp: the arguments must be a JSON object; see godwit qmp --help'],
  [
    ['qmp', 'a', 'stop', '{'],
    'godwit qmp: the arguments are no JSON: JSON parse error, premature EOI; see godwit qmp --help',
  ],
  [
    ['device', 'serve', '--socket', 'a'],
    'godwit device serve: give --socket PATH and --device MODEL; see godwit device serve --help',
  ],
] as const) {
  test(`a wrong call is one line and exit code 2: ${args.join(' ')}`, async () => {
    assert.deepEqual(await runInProcess(...args), { status: 2, stdout: '', stderr: `${message}\n` });
  });
}

test('--version is that of the package', async () => {
  const file = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  assert.deepEqual(await runInProcess('--version'), { status: 0, stdout: `godwit ${version}\n`, stderr: '' });
});

test('a command whose output nobody reads ends without a word', async () => {
  const godwit = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));
  const child = spawn(process.execPath, [godwit, 'qapi', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  assert.deepEqual(await once(child, 'close'), [141, null]);
  assert.equal(complaint, '');
});
