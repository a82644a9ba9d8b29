import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock, VirtualClock } from '@godwit/clock';
import { VfioUserClient, VfioUserServer } from '../src/index.js';
import { Command, DMA_MAP, HEADER, HeaderFlag, REGION_ACCESS } from '../src/protocol/messages.js';
import { ExampleDevice } from './example-device.js';
import { openDescriptors } from './open-descriptors.js';
import { RawPeer, raw, rawVersion } from './raw-peer.js';
import { addon, needsAddon, turns } from './served.js';

interface Scene {
  readonly peer: RawPeer;
  readonly device: ExampleDevice;
  readonly clock: VirtualClock;
  /** Why the server let its client go. */
  ended(): Error | undefined;
}

/** A server and a raw client, which has negotiated; afterwards no descriptor is left. */
async function meet(
  check: (scene: Scene & { readonly twin: number | undefined }) => Promise<void>,
  capabilities = {},
): Promise<void> {
  const before = openDescriptors();
  const clock = new VirtualClock();
  let device: ExampleDevice | undefined;
  let ended: Error | undefined;
  const server = new VfioUserServer({
    native: addon,
    clock,
    create: (attachment) => {
      device = new ExampleDevice(attachment);
      return device.function;
    },
    events: {
      disconnected: (error) => {
        ended = error;
      },
    },
  });
  const [a, b] = addon.socketpair();
  server.accept(a);
  const peer = new RawPeer(b);
  const { fds } = await peer.ask(rawVersion(capabilities));
  await check({ peer, device: device!, clock, ended: () => ended, twin: fds[0] });
  peer.close();
  for (const fd of fds) addon.close(fd);
  while (server.connected) await turns(1);
  await turns();
  server.close();
  assert.equal(clock.pendingTimers, 0);
  assert.equal(openDescriptors(), before);
}

const NOT_JSON = [
  '{',
  'null',
  '[]',
  '"x"',
  '{"capabilities":7}',
  '{"capabilities":{"max_msg_fds":-1}}',
  '\xff',
];

for (const text of NOT_JSON) {
  const version = (end: string) =>
    Buffer.concat([Buffer.from([0, 0, 0, 0]), Buffer.from(`${text}${end}`, 'latin1')]);
  test(`a version with ${JSON.stringify(text)} is refused by server and client`, needsAddon, async () => {
    const before = openDescriptors();
    const server = new VfioUserServer({
      native: addon,
      clock: new SystemClock(),
      create: (attachment) => new ExampleDevice(attachment).function,
    });
    const [a, b] = addon.socketpair();
    server.accept(a);
    const peer = new RawPeer(b);
    for (const end of ['\0', '']) {
      assert.equal((await peer.ask(raw(Command.VERSION, version(end)))).errno, 22);
      assert.equal(server.connected, false);
    }
    assert.equal((await peer.ask(rawVersion())).errno, 0, 'the client may try again');
    peer.close();
    while (server.connected) await turns(1);
    server.close();

    const [c, d] = addon.socketpair();
    const lure = new RawPeer(c);
    const connecting = VfioUserClient.connect(d, { native: addon, clock: new SystemClock() });
    const refused = assert.rejects(connecting, { name: 'VfioError', code: 'EINVAL' });
    await lure.answer(version('\0'));
    await refused;
    lure.close();
    await turns();
    assert.equal(openDescriptors(), before);
  });
}

test(
  'a client that floods and reads no replies is no longer read, and nothing of it is lost',
  needsAddon,
  () =>
    meet(async ({ peer }) => {
      const request = raw(Command.REGION_READ, REGION_ACCESS.encode({ offset: 0, region: 0, count: 4096 }));
      let sent = 0;
      for (let refusals = 0; refusals < 100; ) {
        const taken = addon.sendmsg(peer.fd, [request], []);
        assert.ok(taken === 0 || taken === request.length);
        if (taken > 0) {
          sent++;
          refusals = 0;
          assert.ok(sent < 20_000, 'the server takes requests without end');
          continue;
        }
        refusals++;
        await turns(1);
      }
      assert.ok(sent > 100);
      for (let received = 0; received < sent; received++) {
        assert.equal((await peer.receive())?.payload.length, REGION_ACCESS.size + 4096);
      }
      assert.equal((await peer.ask(raw(Command.DEVICE_RESET))).errno, 0);
    }),
);

test('an id that is used again while a command with it is under way is answered again', needsAddon, () =>
  meet(async ({ peer }) => {
    const read = (region: number) =>
      raw(Command.REGION_READ, REGION_ACCESS.encode({ offset: 0, region, count: 4 }), { id: 9 });
    // Region 1 answers later than region 2.
    await peer.send(Buffer.concat([read(1), read(2), read(1)]));
    for (const value of [0x51, 2, 0x51]) {
      const reply = await peer.receive();
      assert.deepEqual([reply?.id, reply?.payload.at(-1)], [9, value]);
    }
  }),
);

/** 4 KiB at 0 without a descriptor: the device reaches them by messages. */
const mapWithoutFile = raw(
  Command.DMA_MAP,
  DMA_MAP.encode({ argsz: 32, flags: 3, offset: 0, address: 0, size: 4096 }),
);

test('a client that does not answer DMA is given up in time', needsAddon, () =>
  meet(async ({ peer, device, clock, ended }) => {
    assert.equal((await peer.ask(mapWithoutFile)).errno, 0);
    const reading = device.attachment.memory.readAsync(0, Buffer.alloc(4));
    const failed = assert.rejects(reading, {
      name: 'DisconnectedError',
      message: /no reply to DMA_READ in time/,
    });
    assert.equal((await peer.receive())?.command, Command.DMA_READ);
    await clock.advance(5000);
    await failed;
    await turns();
    assert.match(ended()!.message, /no reply to DMA_READ in time/);
  }),
);

test('a client that leaves while DMA is waited for fails the access', needsAddon, () =>
  meet(async ({ peer, device }) => {
    assert.equal((await peer.ask(mapWithoutFile)).errno, 0);
    const { memory } = device.attachment;
    peer.close();
    assert.throws(() => memory.read(0, Buffer.alloc(4)), { name: 'VfioError', code: 'EFAULT' });
  }),
);

for (const [what, size] of [
  ['too little', 19],
  ['too much', 4096],
] as const) {
  test(`DMA that is answered with ${what} data is EFAULT or ends the connection`, needsAddon, () =>
    meet(async ({ peer, device }) => {
      assert.equal((await peer.ask(mapWithoutFile)).errno, 0);
      const reading = device.attachment.memory.readAsync(0, Buffer.alloc(4));
      const failed = assert.rejects(reading, { code: 'EFAULT' });
      await peer.answer(Buffer.alloc(size));
      await failed;
    }),
  );
}

test('a client that floods with commands instead of answering DMA is let go', needsAddon, () =>
  meet(async ({ peer, device, ended }) => {
    assert.equal((await peer.ask(mapWithoutFile)).errno, 0);
    const request = raw(Command.DEVICE_RESET);
    const flood = Buffer.concat(Array.from({ length: 128 }, () => request));
    // The command during which the device waits for its client's memory.
    const { memory } = device.attachment;
    Object.assign(device.function.regions[0]!, { write: () => memory.readAsync(0, Buffer.alloc(4)) });
    await peer.send(raw(Command.REGION_WRITE, REGION_ACCESS.encode({ offset: 0, region: 0, count: 4 }, 4)));
    for (let count = 0; count < 64 && ended() === undefined; count++) {
      await peer.send(flood).catch(({ code }) => assert.match(code, /^(EPIPE|ECONNRESET)$/));
    }
    while (ended() === undefined) await turns(1);
    assert.match(ended()!.message, /commands without end instead of a reply/);
  }),
);

for (const [what, bytes] of [
  ['a command', raw(Command.DEVICE_RESET)],
  ['a reply to nobody', raw(Command.DMA_READ, Buffer.alloc(16), { flags: HeaderFlag.REPLY })],
  ['a size that lies', raw(Command.DMA_READ, Buffer.alloc(0), { size: HEADER.size - 1 })],
] as const) {
  test(`${what} on the socket for the server's own commands ends the connection`, needsAddon, () =>
    meet(
      async ({ twin, ended }) => {
        addon.sendmsg(twin!, [bytes], []);
        while (ended() === undefined) await turns(1);
        assert.equal(ended()!.name, 'ProtocolError');
      },
      { twinSocket: { supported: true } },
    ),
  );
}
