import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { native, nativeUnavailableReason } from '@godwit/native';
import { DEVICE_MAGIC, DeviceState } from '@godwit/vfio';
import { RemoteDevice, VfioUserClient } from '@godwit/vfio-user';
import { serveDevice } from './device-process.js';

const needsAddon = native === undefined ? { skip: nativeUnavailableReason ?? true } : {};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test(
  'a served model is read and moved through its socket, and --once ends with its client',
  needsAddon,
  async () => {
    const socket = join(folder, 'device');
    const { exit, line } = await serveDevice(
      '--socket',
      socket,
      '--device',
      'crypto,state-size=64K',
      '--once',
    );
    assert.equal(line, `serving crypto on ${socket}`);
    const client = await VfioUserClient.connect(socket, { native: native!, clock: new SystemClock() });
    const magic = Buffer.alloc(4);
    await client.readRegion(0, 0, magic);
    assert.equal(magic.readUInt32LE(), DEVICE_MAGIC);
    const device = await RemoteDevice.of(client);
    await device.setState(DeviceState.STOP);
    assert.equal(device.state, DeviceState.STOP);
    client.close();
    assert.deepEqual(await exit, [0, null]);
    assert.equal(existsSync(socket), false);
  },
);

test('SIGTERM ends the server and removes its socket', needsAddon, async () => {
  const socket = join(folder, 'device');
  const { child, exit } = await serveDevice('--socket', socket, '--device', 'nic');
  assert.equal(existsSync(socket), true);
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
  assert.equal(existsSync(socket), false);
});

for (const [what, args, code, message] of [
  ['no socket', ['--device', 'nic'], 2, /give --socket PATH and --device MODEL/],
  ['an unknown model', ['--socket', 'x', '--device', 'sound'], 2, /doesn't take value 'sound'/],
  ['an unknown property', ['--socket', 'x', '--device', 'nic,colour=red'], 2, /colour/],
  ['a folder that is not there', ['--socket', '/nonexistent/x', '--device', 'nic'], 1, /ENOENT.*bind/],
] as const) {
  test(`${what} is one clear line`, needsAddon, async () => {
    const { exit, line } = await serveDevice(...args);
    assert.match(line, message);
    assert.deepEqual(await exit, [code, null]);
  });
}
