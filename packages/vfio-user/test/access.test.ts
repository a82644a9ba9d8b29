import assert from 'node:assert/strict';
import { ftruncateSync } from 'node:fs';
import { test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import { PciRegion, VfioUserServer } from '../src/index.js';
import {
  Command,
  DMA_MAP,
  HeaderFlag,
  IO_FD,
  REGION_ACCESS,
  REGION_IO_FDS,
} from '../src/protocol/messages.js';
import { ExampleDevice } from './example-device.js';
import { openDescriptors } from './open-descriptors.js';
import { RawPeer, raw, rawVersion } from './raw-peer.js';
import { addon, needsAddon, turns } from './served.js';
import { serveExample } from './served-example.js';

test('regions are read and written; what lies outside is EINVAL', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    await client.writeRegion(0, 8, Buffer.from('guests'));
    const into = Buffer.alloc(6);
    await client.readRegion(0, 8, into);
    assert.equal(into.toString(), 'guests');
    await client.readRegion(1, 0, into);
    assert.deepEqual(into, Buffer.alloc(6, 0x51));
    assert.deepEqual(device.writes, [`8:${Buffer.from('guests').toString('hex')}`]);
    for (const [region, offset] of [
      [0, 4091],
      [0, 2 ** 40],
      [3, 4096 * 8],
      [5, 0],
      [8, 0],
      [9, 0],
    ] as const) {
      await assert.rejects(client.readRegion(region, offset, into), { code: 'EINVAL' });
    }
    await assert.rejects(client.writeRegion(1, 0, into), { code: 'EINVAL' });
    assert.equal(client.closed, false);
  }),
);

test('several writes go in one message, in order', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    await client.writeMany([
      { region: 0, offset: 4, data: Buffer.from([1, 2]) },
      { region: 0, offset: 0, data: Buffer.from([3]) },
      { region: 0, offset: 4, data: Buffer.alloc(8, 9) },
    ]);
    assert.deepEqual(device.writes, ['4:0102', '0:03', `4:${'09'.repeat(8)}`]);
    await assert.rejects(
      client.writeMany([
        { region: 0, offset: 0, data: Buffer.from([5]) },
        { region: 0, offset: 4095, data: Buffer.from([1, 2]) },
      ]),
      { code: 'EINVAL' },
    );
    assert.equal(device.writes.length, 3, 'none of the writes of a bad message takes place');
  }),
);

test('a region tells which parts can be mapped, and the mapping is the device memory', needsAddon, () =>
  serveExample(async ({ client }) => {
    const { mapping } = client.regions[2]!;
    assert.deepEqual(mapping?.areas, [{ offset: 0x1000, size: 0x1000 }]);
    const view = addon.mmap(mapping!.fd, mapping!.offset + 0x1000, 0x1000, true);
    addon.munmap(view);
    assert.equal(client.regions[0]!.mapping, undefined);
    assert.equal(client.regions[3]!.size, 8192, 'the MSI-X table has a BAR of its own');
  }),
);

test('MSI-X is preferred to INTx, and each vector has its own eventfd', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    const { interrupts } = device.attachment;
    assert.equal(interrupts.raise(0), false);
    const [line, one, two] = [0, 0, 0].map(() => addon.eventfd(0));
    await client.setIrqs(0, 0, [line!]);
    assert.equal(interrupts.raise(0), true);
    assert.equal(addon.readEventfd(line!), 1);
    assert.equal(interrupts.raise(0), true, 'masked until the client unmasks it');
    assert.equal(addon.readEventfd(line!), 0);
    await client.actOnIrqs('unmask', 0, 0, 1);
    assert.equal(addon.readEventfd(line!), 1);
    await client.setIrqs(2, 1, [one!, two!]);
    assert.equal(interrupts.raise(2), true);
    assert.deepEqual(
      [line, one, two].map((fd) => addon.readEventfd(fd!)),
      [0, 0, 1],
    );
    await client.actOnIrqs('trigger', 2, 1, 1);
    assert.equal(addon.readEventfd(one!), 1);
    await client.setIrqs(2, 0, [], 4);
    assert.equal(interrupts.raise(2), true, 'INTx again');
    for (const fd of [line, one, two]) addon.close(fd!);
  }),
);

test('a level-triggered interrupt signals again at each unmasking while it is asserted', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    const { interrupts } = device.attachment;
    const line = addon.eventfd(0);
    interrupts.setIntx(true);
    await client.setIrqs(0, 0, [line]);
    assert.equal(addon.readEventfd(line), 1);
    await client.actOnIrqs('unmask', 0, 0, 1);
    assert.equal(addon.readEventfd(line), 1);
    interrupts.setIntx(false);
    await client.actOnIrqs('unmask', 0, 0, 1);
    assert.equal(addon.readEventfd(line), 0);
    addon.close(line);
  }),
);

test(
  'the status register shows INTx until the client unmasks it, and the command register holds it back',
  needsAddon,
  () =>
    serveExample(async ({ client, device }) => {
      const { interrupts } = device.attachment;
      const line = addon.eventfd(0);
      await client.setIrqs(0, 0, [line]);
      const pending = async () => {
        const status = Buffer.alloc(2);
        await client.readRegion(PciRegion.CONFIG, 6, status);
        return (status[0]! & 8) !== 0;
      };
      const command = (value: number) => client.writeRegion(PciRegion.CONFIG, 4, Buffer.from([0, value]));
      assert.equal(await pending(), false);
      interrupts.raise();
      assert.equal(addon.readEventfd(line), 1);
      assert.equal(await pending(), true);
      await client.actOnIrqs('unmask', 0, 0, 1);
      assert.equal(await pending(), false);
      await command(4);
      interrupts.raise();
      assert.equal(addon.readEventfd(line), 0, 'INTx is disabled');
      assert.equal(await pending(), true);
      await command(0);
      assert.equal(addon.readEventfd(line), 1);
      await client.reset();
      addon.close(line);
    }),
);

test('interrupts that do not exist, and descriptors that are no eventfds, are EINVAL', needsAddon, () =>
  serveExample(async ({ client }) => {
    const event = addon.eventfd(0);
    const file = addon.memfdCreate('x', 4096);
    await assert.rejects(client.setIrqs(2, 4, [event]), { code: 'EINVAL' });
    await assert.rejects(client.setIrqs(7, 0, [event]), { code: 'EINVAL' });
    await assert.rejects(client.setIrqs(2, 0, [event], 2), { code: 'EINVAL' });
    await assert.rejects(client.setIrqs(2, 0, [file]), { code: 'EINVAL' });
    addon.close(event);
    addon.close(file);
  }),
);

test('a mapped range is reached without messages; without a file, by messages', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    const { memory } = device.attachment;
    const fd = addon.memfdCreate('ram', 0x2000);
    const ram = new Uint8Array(addon.mmap(fd, 0, 0x2000, true));
    await client.mapMemory({ address: 0x10000, bytes: ram, file: { fd, offset: 0 } });
    const rom = Buffer.alloc(0x1000, 3);
    await client.mapMemory({ address: 0x12000, bytes: rom, writable: false });
    memory.write(0x11ffe, Buffer.from([7, 8]));
    assert.deepEqual([...ram.subarray(0x1ffe)], [7, 8]);
    const into = Buffer.alloc(4);
    // Over the border, and by messages behind it.
    await memory.readAsync(0x11ffe, into);
    assert.deepEqual([...into], [7, 8, 3, 3]);
    await assert.rejects(memory.writeAsync(0x11fff, into), { code: 'EFAULT' });
    assert.throws(() => memory.read(0x13000, into), { code: 'EFAULT' });
    assert.throws(() => memory.read(0xffff, into), { code: 'EFAULT' });
    await assert.rejects(client.mapMemory({ address: 0x11000, bytes: rom }), { code: 'EEXIST' });
    const view = memory.view(0x10000, 16)!;
    ram[3] = 99;
    assert.equal(view[3], 99);
    assert.equal(memory.view(0x11ff0, 16)?.length, 16);
    for (const [address, length] of [
      [0x11ff1, 16], // beyond the range
      [0xffff, 2], // before it
      [0x12000, 16], // reached by messages
    ] as const) {
      assert.equal(memory.view(address, length), undefined, `0x${address.toString(16)}`);
    }
    await client.unmapMemory(0x10000);
    assert.equal(view.length, 0, 'the view is gone with the mapping');
    assert.throws(() => memory.read(0x10000, into), { code: 'EFAULT' });
    addon.munmap(ram.buffer);
    addon.close(fd);
  }),
);

test('a file that shrinks under its mapping is EFAULT for the device, and harms nobody', needsAddon, () =>
  serveExample(async ({ client, device }) => {
    const fd = addon.memfdCreate('ram', 0x4000);
    const ram = new Uint8Array(addon.mmap(fd, 0, 0x4000, true));
    await client.mapMemory({ address: 0, bytes: ram, file: { fd, offset: 0 } });
    ftruncateSync(fd, 0x1000);
    assert.throws(() => device.attachment.memory.write(0x2000, Buffer.alloc(8)), { code: 'EFAULT' });
    device.attachment.memory.write(0, Buffer.alloc(8));
    await assert.rejects(client.mapMemory({ address: 0x8000, bytes: ram, file: { fd, offset: 0 } }), {
      code: 'EINVAL',
    });
    addon.munmap(ram.buffer);
    addon.close(fd);
  }),
);

test(
  'a device that needs memory by messages can block for it, while commands keep their order',
  needsAddon,
  async () => {
    const before = openDescriptors();
    let device: ExampleDevice | undefined;
    const order: string[] = [];
    const server = new VfioUserServer({
      native: addon,
      clock: new SystemClock(),
      create: (attachment) => {
        device = new ExampleDevice(attachment);
        const { regions } = device.function;
        const bar0 = {
          size: 4096,
          read: (offset: number) => void order.push(`read ${offset}`),
          write: (offset: number) => {
            const into = Buffer.alloc(4);
            attachment.memory.read(0x1000, into);
            order.push(`write ${offset} sees ${into.toString()}`);
          },
        };
        return { ...device.function, regions: [bar0, ...regions.slice(1)], reset: () => undefined };
      },
    });
    const [a, b] = addon.socketpair();
    server.accept(a);
    const peer = new RawPeer(b);
    await peer.ask(rawVersion());
    const map = { argsz: 32, flags: 3, offset: 0, address: 0x1000, size: 0x1000 };
    assert.equal((await peer.ask(raw(Command.DMA_MAP, DMA_MAP.encode(map)))).errno, 0);
    const access = (offset: number, count: number) => REGION_ACCESS.encode({ offset, region: 0, count });
    // Everything is in the socket before the server reads any of it: the write, another command, and the answer to DMA.
    const dmaReply = raw(Command.DMA_READ, Buffer.concat([Buffer.alloc(16), Buffer.from('DATA')]), {
      id: 1,
      flags: HeaderFlag.REPLY,
    });
    addon.sendmsg(
      b,
      [
        raw(Command.REGION_WRITE, Buffer.concat([access(8, 4), Buffer.alloc(4)]), { id: 70 }),
        raw(Command.REGION_READ, access(4, 4), { id: 71 }),
        dmaReply,
      ],
      [],
    );
    const messages = [await peer.receive(), await peer.receive(), await peer.receive()];
    assert.deepEqual(order, ['write 8 sees DATA', 'read 4']);
    assert.deepEqual(
      messages.map((message) => [message?.command, message?.id]),
      [
        [Command.DMA_READ, 1],
        [Command.REGION_WRITE, 70],
        [Command.REGION_READ, 71],
      ],
    );
    peer.close();
    await turns();
    server.close();
    assert.equal(openDescriptors(), before);
  },
);

test('a signal of an eventfd takes the place of a write', needsAddon, async () => {
  const before = openDescriptors();
  let device: ExampleDevice | undefined;
  const server = new VfioUserServer({
    native: addon,
    clock: new SystemClock(),
    create: (attachment) => {
      device = new ExampleDevice(attachment);
      return device.function;
    },
  });
  const [a, b] = addon.socketpair();
  server.accept(a);
  const peer = new RawPeer(b);
  await peer.ask(rawVersion());
  const request = { argsz: 16, flags: 0, index: 0, count: 0 };
  const short = await peer.ask(raw(Command.DEVICE_GET_REGION_IO_FDS, REGION_IO_FDS.encode(request)));
  assert.deepEqual([REGION_IO_FDS.read(short.payload).argsz, short.fds.length], [56, 0]);
  const whole = await peer.ask(
    raw(Command.DEVICE_GET_REGION_IO_FDS, REGION_IO_FDS.encode({ ...request, argsz: 56 })),
  );
  assert.deepEqual(IO_FD.read(whole.payload, 16), {
    offset: 0x10,
    size: 4,
    fdIndex: 0,
    type: 0,
    flags: 1,
    padding: 0,
    datamatch: 7n,
  });
  addon.signalEventfd(whole.fds[0]!);
  addon.signalEventfd(whole.fds[0]!);
  await turns();
  assert.equal(device!.signals, 2);
  addon.close(whole.fds[0]!);
  peer.close();
  await turns();
  server.close();
  assert.equal(openDescriptors(), before);
});
