import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemClock } from '@godwit/clock';
import { type Native, requireNative } from '@godwit/native';
import { DeviceState, type MigratableDevice } from '@godwit/vfio';
import { RemoteDevice, VfioUserClient } from '../src/index.js';
import { withServer } from './processes.js';

const sampleServer = fileURLToPath(new URL('./sample-server.js', import.meta.url));

/** Runs libvfio-user's sample client through its whole course against two of our servers. */
export async function checkTheirClient(samples: string, folder: string): Promise<void> {
  // The client starts the server that it migrates to itself: the program `server` beside it.
  const client = join(folder, 'client');
  copyFileSync(join(samples, 'client'), client);
  const server = join(folder, 'server');
  writeFileSync(server, `#!/bin/sh\nexec '${process.execPath}' '${sampleServer}' "$@"\n`);
  chmodSync(server, 0o755);
  const socket = join(folder, 'sample');
  await withServer([server, '-v', socket], socket, async () => {
    const child = spawn(client, [socket], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 0, `the sample client failed: ${errors.trim()}`);
  });
}

/** Uses libvfio-user's sample server with our client: an interrupt, DMA by both ways, dirty pages, a migration's data. */
export async function checkTheirServer(samples: string, folder: string): Promise<void> {
  const socket = join(folder, 'theirs');
  await withServer([join(samples, 'server'), socket], socket, async () => {
    const native = requireNative('the conformance run');
    const client = await VfioUserClient.connect(socket, { native, clock: new SystemClock() });
    const fd = native.memfdCreate('ram', 8192, { sealed: true });
    const ram = new Uint8Array(native.mmap(fd, 0, 8192, true));
    const event = native.eventfd(0, { nonblocking: true });
    try {
      for (const address of [0, 4096]) {
        const bytes = ram.subarray(address, address + 4096);
        await client.mapMemory({ address, bytes, file: { fd, offset: address } });
      }
      await client.setIrqs(0, 0, [event]);
      const device = await RemoteDevice.of(client);
      assert.deepEqual(device.flags, { p2p: false, preCopy: true });
      await device.dmaLogging.start([{ iova: 0, length: 8192 }], 4096);
      await ring(native, client, event, ram);
      const bitmap = new Uint32Array(1);
      await device.dmaLogging.report(0, 8192, 4096, bitmap);
      assert.equal(bitmap[0], 3, 'both pages are dirty');
      await device.dmaLogging.report(0, 8192, 4096, bitmap.fill(0));
      assert.equal(bitmap[0], 0, 'what was reported is not reported again');
      await client.actOnIrqs('unmask', 0, 0, 1);
      await ring(native, client, event, ram.fill(0));
      await client.unmapMemory(4096);
      await device.dmaLogging.report(0, 8192, 4096, bitmap);
      assert.equal(bitmap[0], 3, 'the page that was taken away is reported as dirty');
      await device.dmaLogging.stop();
      await device.setState(DeviceState.PRE_COPY);
      assert.equal(await readAll(device), 0x3000);
      await device.setState(DeviceState.STOP_COPY);
      assert.equal(await readAll(device), 0x3000 + 8);
      await device.setState(DeviceState.STOP);
      await assert.rejects(device.setState(DeviceState.RUNNING_P2P), { code: 'EINVAL' });
    } finally {
      client.close();
      native.munmap(ram.buffer);
      native.close(fd);
      native.close(event);
    }
  });
}

/** Has the alarm go off, and waits for its interrupt and the DMA that follows. */
async function ring(native: Native, client: VfioUserClient, event: number, ram: Uint8Array): Promise<void> {
  const alarm = Buffer.alloc(8);
  alarm.writeBigInt64LE(BigInt(Math.floor(Date.now() / 1000) + 1));
  await client.writeRegion(0, 0, alarm);
  await new Promise<void>((resolve) => {
    const poll = native.poll(event, () => {
      native.readEventfd(event);
      poll.close();
      resolve();
    });
    poll.watch({ readable: true });
  });
  // The DMA is done when the server answers again.
  await client.readRegion(0, 0, Buffer.alloc(8));
  for (const address of [0, 4096])
    assert.equal(Buffer.from(ram).toString('latin1', address, address + 4), 'AAAA');
}

/** Reads until there is nothing more; how many bytes. */
async function readAll(device: MigratableDevice): Promise<number> {
  const buffer = Buffer.alloc(4096);
  let length = 0;
  for (;;) {
    const read = await device.readData(buffer);
    if (read.kind !== 'data') return length;
    length += read.length;
  }
}
