import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEVICE_MAGIC, DeviceState } from '@godwit/vfio';
import { RemoteDevice } from '../src/index.js';
import { openDescriptors } from './open-descriptors.js';
import { needsAddon, serveModel } from './served.js';

test('a model is found, read and migrated through a socket', needsAddon, async () => {
  const before = openDescriptors();
  const source = await serveModel('gpu', { 'state-size': 3 * 2 ** 20, 'pre-copy': true, p2p: true });
  const target = await serveModel('gpu', { 'state-size': 3 * 2 ** 20, 'pre-copy': true, p2p: true });
  const config = Buffer.alloc(64);
  await source.client.readRegion(7, 0, config);
  assert.equal(config.readUInt16LE(0), source.model.pci.vendorId);
  const magic = Buffer.alloc(4);
  await source.client.readRegion(0, 0, magic);
  assert.equal(magic.readUInt32LE(0), DEVICE_MAGIC);
  const from = await RemoteDevice.of(source.client);
  const to = await RemoteDevice.of(target.client);
  assert.deepEqual(from.flags, { p2p: true, preCopy: true });
  await to.setState(DeviceState.RESUMING);
  await from.setState(DeviceState.PRE_COPY);
  const buffer = Buffer.alloc(1 << 20);
  const pump = async () => {
    for (;;) {
      const result = await from.readData(buffer);
      if (result.kind !== 'data') return result.kind;
      await to.writeData(buffer.subarray(0, result.length));
    }
  };
  assert.equal(await pump(), 'empty');
  await from.setState(DeviceState.STOP_COPY);
  assert.equal(await pump(), 'end');
  await from.setState(DeviceState.STOP);
  await to.setState(DeviceState.RUNNING);
  assert.equal(target.model.verify().errors, 0);
  assert.equal(target.model.state, DeviceState.RUNNING);
  await source.close();
  await target.close();
  assert.equal(openDescriptors(), before);
});
