import assert from 'node:assert/strict';
import { ExampleDevice } from './example-device.js';
import { openDescriptors } from './open-descriptors.js';
import { addon, type Served, serve } from './served.js';

/** Serves the example device for a test, and counts descriptors around it. Its region 2 can be mapped in part. */
export async function serveExample(
  check: (served: Served & { device: ExampleDevice }) => Promise<void>,
): Promise<void> {
  const before = openDescriptors();
  const file = addon.memfdCreate('bar2', 0x3000, { sealed: true });
  let device: ExampleDevice | undefined;
  const mapping = { fd: file, offset: 0, areas: [{ offset: 0x1000, size: 0x1000 }] };
  const served = await serve((attachment) => {
    device = new ExampleDevice(attachment, mapping);
    return device.function;
  });
  await check({ ...served, device: device! });
  await served.close();
  addon.close(file);
  assert.equal(openDescriptors(), before);
}
