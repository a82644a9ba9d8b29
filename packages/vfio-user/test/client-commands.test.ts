import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { PciFunction, PciIrq, RemoteDevice, VfioUserClient } from '../src/index.js';
import { DEVICE_INFO, DMA_UNMAP, HEADER, UNMAP_BITMAP } from '../src/protocol/messages.js';
import { openDescriptors } from './open-descriptors.js';
import { RawPeer, rawVersion } from './raw-peer.js';
import { addon, needsAddon, serve, turns } from './served.js';
import { serveExample } from './served-example.js';

const PAGE = 4096;

async function dirtyPages(device: RemoteDevice, pages: number): Promise<number> {
  const bitmap = new Uint32Array(2);
  await device.dmaLogging.report(0, pages * PAGE, PAGE, bitmap);
  return bitmap[0]!;
}

test(
  'what a device wrote to memory that is taken away while DMA is logged is still reported',
  needsAddon,
  () =>
    serveExample(async ({ client, device }) => {
      const { memory } = device.attachment;
      const fd = addon.memfdCreate('ram', 8 * PAGE);
      const ram = new Uint8Array(addon.mmap(fd, 0, 8 * PAGE, true));
      const range = (page: number, count: number) => ({
        address: page * PAGE,
        bytes: ram.subarray(page * PAGE, (page + count) * PAGE),
        file: { fd, offset: page * PAGE },
      });
      await client.mapMemory(range(0, 4));
      await client.mapMemory(range(4, 4));
      const remote = await RemoteDevice.of(client);
      await remote.dmaLogging.start([{ iova: 0, length: 8 * PAGE }], PAGE);
      for (const page of [1, 3, 6]) memory.write(page * PAGE + 5, Buffer.from('x'));
      await client.unmapMemory(4 * PAGE);
      assert.equal(await dirtyPages(remote, 8), 0b100_1010);
      memory.write(0, Buffer.from('x'));
      await client.unmapAllMemory();
      assert.deepEqual(memory.maps, []);
      assert.equal(await dirtyPages(remote, 8), 1);
      addon.munmap(ram.buffer);
      addon.close(fd);
    }),
);

test('all memory is taken away at once', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    await client.mapMemory({ address: 0, bytes: new Uint8Array(PAGE) });
    await client.mapMemory({ address: PAGE, bytes: new Uint8Array(PAGE) });
    assert.equal(device.attachment.memory.maps.length, 2);
    await client.unmapAllMemory();
    assert.equal(device.attachment.memory.maps.length, 0);
    await client.mapMemory({ address: 0, bytes: new Uint8Array(PAGE) });
  }),
);

test('a server that cannot tell what it wrote: all of the memory counts as written', needsAddon, async () => {
  const before = openDescriptors();
  const [a, b] = addon.socketpair();
  const peer = new RawPeer(a);
  const connecting = VfioUserClient.connect(b, { native: addon, clock: new SystemClock() });
  await peer.answer(rawVersion().subarray(HEADER.size));
  await peer.answer(DEVICE_INFO.encode({ argsz: DEVICE_INFO.size, flags: 2, regions: 0, irqs: 0 }));
  const client = await connecting;
  const mapping = client.mapMemory({ address: 0, bytes: new Uint8Array(2 * PAGE) });
  await peer.answer();
  await mapping;
  await client.memory.logger.start([{ iova: 0, length: 8 * PAGE }], PAGE);
  const unmapping = client.unmapMemory(0);
  const { payload } = await peer.answer(Buffer.alloc(0), 95);
  assert.equal(DMA_UNMAP.read(payload).flags, 1);
  assert.deepEqual(UNMAP_BITMAP.read(payload, DMA_UNMAP.size), { pageSize: PAGE, size: 8 });
  const plain = await peer.answer();
  assert.equal(DMA_UNMAP.read(plain.payload).flags, 0);
  await unmapping;
  const bitmap = new Uint32Array(2);
  await client.memory.logger.report(0, 8 * PAGE, PAGE, bitmap);
  assert.equal(bitmap[0], 0b11);
  client.close();
  peer.close();
  await turns();
  assert.equal(openDescriptors(), before);
});

test('INTx is unmasked by an eventfd, as KVM does it', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    const { interrupts } = device.attachment;
    const line = addon.eventfd(0);
    const unmask = addon.eventfd(0);
    await client.setIrqs(PciIrq.INTX, 0, [line]);
    await client.setIntxUnmask(unmask);
    interrupts.setIntx(true);
    assert.equal(addon.readEventfd(line), 1);
    addon.signalEventfd(unmask);
    await turns();
    assert.equal(addon.readEventfd(line), 1, 'it is still asserted');
    interrupts.setIntx(false);
    addon.signalEventfd(unmask);
    await turns();
    assert.equal(addon.readEventfd(line), 0);
    assert.equal(interrupts.raise(), true);
    assert.equal(addon.readEventfd(line), 1);
    await client.setIntxUnmask(undefined);
    addon.signalEventfd(unmask);
    await turns();
    interrupts.raise();
    assert.equal(addon.readEventfd(line), 0, 'nobody unmasks it any longer');
    addon.close(line);
    addon.close(unmask);
  }),
);

test('more eventfds than one message takes go in several', needsAddon, async () => {
  const before = openDescriptors();
  const { server, client, close } = await serve(
    () => new PciFunction({ vendorId: 1, deviceId: 2, classCode: 0, msix: 40, bars: {} }),
  );
  const events = Array.from({ length: 40 }, () => addon.eventfd(0));
  await client.setIrqs(PciIrq.MSIX, 0, events);
  for (let vector = 0; vector < 40; vector += 13) await client.actOnIrqs('trigger', PciIrq.MSIX, vector, 1);
  assert.deepEqual(
    events.flatMap((fd, vector) => (addon.readEventfd(fd) > 0 ? [vector] : [])),
    [0, 13, 26, 39],
  );
  assert.equal(server.connected, true);
  for (const fd of events) addon.close(fd);
  await close();
  assert.equal(openDescriptors(), before);
});

test('a client gets the eventfds that take the place of writes', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    assert.deepEqual(await client.ioEvents(1), []);
    const [event, ...others] = await client.ioEvents(0);
    assert.deepEqual(others, []);
    const { fd, ...rest } = event!;
    assert.deepEqual(rest, { offset: 0x10, size: 4, datamatch: 7n });
    addon.signalEventfd(fd);
    await turns();
    assert.equal(device.signals, 1);
    addon.close(fd);
  }),
);
