import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { native, nativeUnavailableReason } from '@godwit/native';
import { createModel } from '@godwit/vfio';
import { modelFunction, VfioUserServer } from '@godwit/vfio-user';
import { runInProcess } from './run-in-process.js';

const needsAddon = native === undefined ? { skip: nativeUnavailableReason ?? true } : {};

const check = (...args: string[]) => runInProcess('device', 'check', ...args);

/** A vfio-user server with a device of that model, as long as `use` runs. */
async function served(model: string, use: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-check-'));
  const clock = new SystemClock();
  const server = new VfioUserServer({
    native: native!,
    clock,
    create: ({ memory }) =>
      modelFunction(createModel(model, { 'state-size': '16K' }, { clock, memory, random: Math.random })),
  });
  try {
    const path = join(folder, 'device.sock');
    server.listen(path);
    await use(path);
  } finally {
    server.close();
    server.device.migration?.close();
    rmSync(folder, { recursive: true });
  }
}

test('device check reports by rule and says how many passed', async () => {
  const { status, stdout, stderr } = await check('crypto,state-size=16K', 'block,protocol=v1,state-size=16K');
  assert.equal(stderr, '');
  assert.match(stdout, /^crypto,state-size=16K: STOP_COPY\|P2P\nok {3}arcs\/reach /);
  assert.match(stdout, /\nblock,protocol=v1,state-size=16K: v1 region\nok {3}region\/shape /);
  assert.match(stdout, /\nblock,protocol=v1,state-size=16K: STOP_COPY\nok {3}arcs\/reach /);
  assert.equal(stdout.match(/ passed, 0 failed, /g)?.length, 3);
  assert.equal(status, 0);
});

test('device check exits with 1 when a device breaks a rule, and names rule and source', async () => {
  const { status, stdout } = await check('block,state-size=16K,corrupt-at=5000');
  assert.equal(status, 1);
  assert.match(
    stdout,
    /\nFAIL resuming\/load .*\n {5}writeData in resuming: EINVAL: device stream rejected .*\n {5}source: linux\/vfio\.h, RESUMING -> STOP/,
  );
});

test('a check of several devices ends with who broke rules, and who could not be checked', async () => {
  const { status, stdout } = await check('block,state-size=16K', 'block,state-size=16K,corrupt-at=5000');
  assert.equal(status, 1);
  assert.ok(stdout.endsWith('\n2 reports: broken by block,state-size=16K,corrupt-at=5000\n'), stdout);
  const json = await check('--json', '--socket', '/nonexistent/device.sock', 'block,state-size=4K');
  assert.equal(json.status, 1);
  const [checked, unchecked] = JSON.parse(json.stdout);
  assert.equal(checked.failed, 0);
  assert.equal(unchecked.device, '/nonexistent/device.sock');
  assert.equal(typeof unchecked.error, 'string');
});

test('device check prints its report as JSON', async () => {
  const { status, stdout } = await check('--json', 'block,state-size=16K');
  const [report] = JSON.parse(stdout);
  assert.equal(status, 0);
  assert.equal(report.device, 'block,state-size=16K');
  assert.ok(report.passed > 15 && report.failed === 0);
  assert.ok(
    report.results.every(
      (result: { id: string; source: string }) => result.id !== '' && result.source !== '',
    ),
  );
});

test('a wrong call says what is wrong and exits with 2', async () => {
  for (const [args, message] of [
    [['toaster'], /^godwit device check: Property 'vfio-model\.model' doesn't take value 'toaster'/],
    [['nic,size=1'], /^godwit device check: Property 'vfio-model\.size' not found/],
    [['--frobnicate'], /^godwit device check: Unknown option '--frobnicate';/],
    [['--limit', 'soon', 'nic'], /^godwit device check: --limit takes a number of seconds, not 'soon'/],
  ] as const) {
    const { status, stdout, stderr } = await check(...args);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.match(stderr, message);
    assert.match(stderr, /; see godwit device check --help\n$/);
  }
});

test('device check takes the device of a vfio-user server', needsAddon, () =>
  served('nic', async (path) => {
    const { status, stdout, stderr } = await check('--socket', path);
    assert.equal(stderr, '');
    assert.ok(stdout.startsWith(`${path}: STOP_COPY|P2P|PRE_COPY\n`));
    assert.match(stdout, /\n\d+ passed, 0 failed, 3 skipped\n/);
    assert.equal(status, 0, stdout);
  }),
);

test('a server that is not there is an error that names it', needsAddon, async () => {
  const { status, stdout, stderr } = await check('--socket', '/nonexistent/device.sock');
  assert.equal(status, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^godwit device check: \/nonexistent\/device\.sock: .*ENOENT/);
});

test('a server that does not start, or ends at once, is an error that says how', needsAddon, async () => {
  const ended = await check('--server', 'false');
  assert.deepEqual([ended.status, ended.stdout], [1, '']);
  assert.equal(ended.stderr, 'godwit device check: false: the server ended with status 1\n');
  const broken = await check('--server', `${process.execPath} /nonexistent/server.js`);
  assert.match(broken.stderr, /: the server ended with status 1: Error: Cannot find module/);
  const absent = await check('--server', '/nonexistent/server -v');
  assert.match(
    absent.stderr,
    /^godwit device check: \/nonexistent\/server -v: the server cannot be started: .*ENOENT\n/,
  );
});

test('a server is told what it does not offer', needsAddon, () =>
  served('block', async (path) => {
    const { stdout } = await check('--socket', path);
    assert.match(stdout, /\nnot offered: PRE_COPY; P2P\n/);
    const { stdout: json } = await check('--json', '--socket', path);
    const [document] = JSON.parse(json) as { notOffered: string[]; failed: number }[];
    assert.deepEqual([document!.notOffered, document!.failed], [['PRE_COPY', 'P2P'], 0]);
  }),
);
