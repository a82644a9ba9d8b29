import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

test('without the addon, what needs it says so in one line', () => {
  const entry = new URL('../src/index.js', import.meta.url).href;
  const script = `
    const { native, nativeUnavailableReason, requireNative } = await import(${JSON.stringify(entry)});
    if (native !== undefined) throw new Error('the addon is there');
    console.log(nativeUnavailableReason);
    try { requireNative('passing descriptors'); } catch (error) { console.log(error.name + ': ' + error.message); }
  `;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    env: { ...process.env, GODWIT_NO_NATIVE: '1' },
  });
  assert.equal(stderr, '');
  assert.deepEqual(stdout.trim().split('\n'), [
    'GODWIT_NO_NATIVE=1 is set',
    'NativeUnavailableError: passing descriptors needs the native addon of Godwit: GODWIT_NO_NATIVE=1 is set',
  ]);
});
