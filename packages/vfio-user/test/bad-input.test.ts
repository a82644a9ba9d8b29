import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemClock, VirtualClock } from '@godwit/clock';
import fc from 'fast-check';
import {
  Command,
  DisconnectedError,
  type DmaSpace,
  ProtocolError,
  RemoteDevice,
  VfioUserClient,
  VfioUserServer,
} from '../src/index.js';
import { encodeVersion } from '../src/protocol/capabilities.js';
import {
  DEVICE_INFO,
  DMA_MAP,
  DMA_UNMAP,
  FEATURE,
  FEATURE_LOGGING_REPORT,
  FeatureFlag,
  HeaderFlag,
  IRQ_SET,
  MIG_DATA,
  REGION_ACCESS,
  REGION_INFO,
  WRITE_MULTI,
} from '../src/protocol/messages.js';
import { ExampleDevice } from './example-device.js';
import { openDescriptors } from './open-descriptors.js';
import { RawPeer, raw, rawVersion } from './raw-peer.js';
import { addon, needsAddon, turns } from './served.js';

interface Attacked {
  readonly peer: RawPeer;
  /** The client's memory, as the device sees it. */
  memory(): DmaSpace;
  /** Why the server let the peer go; undefined while it has not, or where the peer left. */
  ended(): Error | undefined;
}

/** A server and a raw peer; afterwards neither descriptors nor memory of the peer are left, and a good client is served. */
async function attack(
  check: (attacked: Attacked) => Promise<void>,
  { negotiated = true, version = rawVersion() } = {},
): Promise<void> {
  const before = openDescriptors();
  let ended: Error | undefined;
  let device: ExampleDevice | undefined;
  const note = (error: Error | undefined) => {
    ended = error;
  };
  const server = new VfioUserServer({
    native: addon,
    clock: new SystemClock(),
    create: (attachment) => {
      device = new ExampleDevice(attachment);
      return device.function;
    },
    events: { disconnected: note, refused: note },
  });
  const [a, b] = addon.socketpair();
  server.accept(a);
  const peer = new RawPeer(b);
  if (negotiated) assert.equal((await peer.ask(version)).errno, 0);
  await check({ peer, ended: () => ended, memory: () => device!.attachment.memory });
  peer.close();
  while (server.connected) await turns(1);
  await turns();
  assert.deepEqual(device!.attachment.memory.maps, []);
  const [c, d] = addon.socketpair();
  server.accept(c);
  const client = await VfioUserClient.connect(d, { native: addon, clock: new SystemClock() });
  client.close();
  await turns();
  server.close();
  assert.equal(openDescriptors(), before);
}

const map = (address: number, size: number, flags = 3, offset = 0) =>
  raw(Command.DMA_MAP, DMA_MAP.encode({ argsz: 32, flags, offset, address, size }));

for (const [what, bytes] of [
  ['a size below that of a header', raw(Command.REGION_READ, Buffer.alloc(0), { size: 15 })],
  ['a size beyond every limit', raw(Command.REGION_READ, Buffer.alloc(16), { size: 0xffff_ffff })],
  ['an unknown type', raw(Command.REGION_READ, Buffer.alloc(16), { flags: 7 })],
  ['a reply to nobody', raw(Command.DMA_READ, Buffer.alloc(16), { flags: HeaderFlag.REPLY })],
] as const) {
  test(`${what} ends the connection`, needsAddon, () =>
    attack(async ({ peer, ended }) => {
      await peer.send(bytes);
      assert.equal(await peer.receive(), undefined);
      assert.ok(ended() instanceof ProtocolError);
    }),
  );
}

test(
  'a peer that stops in the middle of a message, descriptors sent, leaves nothing behind',
  needsAddon,
  () =>
    attack(async ({ peer, ended }) => {
      await peer.send(map(0, 4096).subarray(0, 40), [addon.eventfd(0)]);
      await turns();
      peer.close();
      while (ended() === undefined) await turns(1);
      assert.match(ended()!.message, /in the middle of a message/);
    }),
);

test('a command before the version ends the connection, after an error reply', needsAddon, () =>
  attack(
    async ({ peer, ended }) => {
      assert.equal((await peer.ask(raw(Command.DEVICE_RESET))).errno, 22);
      assert.equal(await peer.receive(), undefined);
      assert.match(ended()!.message, /DEVICE_RESET comes before the version/);
    },
    { negotiated: false },
  ),
);

test('another major version, or a second one, is EINVAL', needsAddon, () =>
  attack(async ({ peer }) => {
    assert.equal((await peer.ask(rawVersion())).errno, 22);
  }),
);

for (const [what, bytes, errno] of [
  ['an unknown command', raw(99), 22],
  ['the obsolete DIRTY_PAGES', raw(14, Buffer.alloc(8)), 22],
  ["a command of the server's side", raw(Command.DMA_READ, Buffer.alloc(16)), 22],
  ['a payload that is too short', raw(Command.DMA_MAP, Buffer.alloc(31)), 22],
  ['no payload at all', raw(Command.DEVICE_GET_INFO), 22],
  ['an empty DMA range', map(0, 0), 22],
  ['a DMA range around the end of all addresses', map(2 ** 53 - 4096, 8192), 22],
  ['a DMA range without any right', map(0, 4096, 0), 22],
  [
    'an unmap of what is not mapped',
    raw(Command.DMA_UNMAP, DMA_UNMAP.encode({ argsz: 24, flags: 0, address: 0, size: 4096 })),
    2,
  ],
  [
    'an unmap of all that names a range',
    raw(Command.DMA_UNMAP, DMA_UNMAP.encode({ argsz: 24, flags: 2, address: 0, size: 4096 })),
    22,
  ],
  [
    'too little room for the reply',
    raw(Command.DEVICE_GET_INFO, DEVICE_INFO.encode({ argsz: 15, flags: 0, regions: 0, irqs: 0 })),
    22,
  ],
  [
    'a region beyond the last',
    raw(
      Command.DEVICE_GET_REGION_INFO,
      REGION_INFO.encode({ argsz: 32, flags: 0, index: 9, capOffset: 0, size: 0, offset: 0 }),
    ),
    22,
  ],
  [
    'a read beyond the transfer limit',
    raw(Command.REGION_READ, REGION_ACCESS.encode({ offset: 0, region: 0, count: 1 << 21 })),
    22,
  ],
  [
    'a write with less data than it says',
    raw(Command.REGION_WRITE, REGION_ACCESS.encode({ offset: 0, region: 0, count: 8 }, 4)),
    22,
  ],
  [
    'several writes with less data than they say',
    raw(Command.REGION_WRITE_MULTI, WRITE_MULTI.encode({ count: 2 ** 40 })),
    22,
  ],
  [
    'two kinds of interrupt data',
    raw(Command.DEVICE_SET_IRQS, IRQ_SET.encode({ argsz: 20, flags: 0x23, index: 0, start: 0, count: 1 })),
    22,
  ],
  [
    'interrupts that overflow',
    raw(
      Command.DEVICE_SET_IRQS,
      IRQ_SET.encode({ argsz: 20, flags: 0x21, index: 2, start: 0xffff_ffff, count: 0xffff_ffff }),
    ),
    22,
  ],
  [
    'an unknown feature',
    raw(Command.DEVICE_FEATURE, FEATURE.encode({ argsz: 8, flags: FeatureFlag.GET | 77 })),
    25,
  ],
  [
    'a feature got and set',
    raw(Command.DEVICE_FEATURE, FEATURE.encode({ argsz: 64, flags: FeatureFlag.GET | FeatureFlag.SET | 2 })),
    22,
  ],
  [
    'a bitmap that is too large',
    raw(
      Command.DEVICE_FEATURE,
      Buffer.concat([
        FEATURE.encode({ argsz: 2 ** 31, flags: FeatureFlag.GET | 8 }),
        FEATURE_LOGGING_REPORT.encode({ iova: 0, length: 2 ** 52, pageSize: 4096 }),
      ]),
    ),
    7,
  ],
  [
    'a report while logging is off',
    raw(
      Command.DEVICE_FEATURE,
      Buffer.concat([
        FEATURE.encode({ argsz: 64, flags: FeatureFlag.GET | 8 }),
        FEATURE_LOGGING_REPORT.encode({ iova: 0, length: 4096, pageSize: 4096 }),
      ]),
    ),
    22,
  ],
  [
    'migration data while running',
    raw(Command.MIG_DATA_READ, MIG_DATA.encode({ argsz: 4096, size: 4088 })),
    22,
  ],
  [
    'migration data that nobody resumes',
    raw(Command.MIG_DATA_WRITE, MIG_DATA.encode({ argsz: 12, size: 4 }, 4)),
    22,
  ],
] as const) {
  test(`${what} gets an error reply, and the connection goes on`, needsAddon, () =>
    attack(async ({ peer }) => {
      assert.equal((await peer.ask(bytes)).errno, errno);
      assert.equal((await peer.ask(raw(Command.DEVICE_RESET))).errno, 0);
    }),
  );
}

test('descriptors that a message may not have, or too many of them, are closed', needsAddon, () =>
  attack(async ({ peer }) => {
    const two = () => [addon.eventfd(0), addon.eventfd(0)];
    assert.equal((await peer.ask(map(0, 4096), two())).errno, 22);
    assert.equal((await peer.ask(map(0, 4096), [addon.eventfd(0)])).errno, 22, 'an eventfd cannot be mapped');
    assert.equal((await peer.ask(raw(Command.DEVICE_RESET), two())).errno, 0);
    const irq = IRQ_SET.encode({ argsz: 20, flags: 0x24, index: 0, start: 0, count: 1 });
    assert.equal((await peer.ask(raw(Command.DEVICE_SET_IRQS, irq), two())).errno, 22);
    await peer.send(
      raw(Command.DEVICE_RESET),
      Array.from({ length: 17 }, () => addon.eventfd(0)),
    );
    assert.equal(await peer.receive(), undefined);
  }),
);

test('pipelined descriptors stay with their messages, and overlapping ranges are EEXIST', needsAddon, () =>
  attack(async ({ memory, peer }) => {
    const file = addon.memfdCreate('ram', 0x10000);
    const stream = [
      { bytes: map(0x0000, 0x1000), fds: [] },
      { bytes: map(0x1000, 0x1000, 3, 0x1000), fds: [addon.dup(file)] },
      { bytes: map(0x1000, 0x2000), fds: [addon.dup(file)] },
      { bytes: raw(Command.DEVICE_RESET), fds: [] },
      { bytes: map(0x4000, 0x1000, 3, 0x4000), fds: [addon.dup(file)] },
    ];
    for (const { bytes, fds } of stream) await peer.send(bytes, fds);
    const errnos = [];
    for (const _ of stream) errnos.push((await peer.receive())?.errno);
    assert.deepEqual(errnos, [0, 0, 17, 0, 0]);
    const view = new Uint8Array(addon.mmap(file, 0, 0x10000, true));
    view[0x4005] = 0x45;
    view[0x1005] = 0x15;
    const into = Buffer.alloc(1);
    memory().read(0x1005, into);
    assert.equal(into[0], 0x15);
    memory().read(0x4005, into);
    assert.equal(into[0], 0x45);
    addon.munmap(view.buffer);
    addon.close(file);
  }),
);

test('NO_REPLY is kept, in success and in failure', needsAddon, () =>
  attack(async ({ peer }) => {
    await peer.send(raw(Command.DEVICE_RESET, Buffer.alloc(0), { flags: HeaderFlag.NO_REPLY }));
    await peer.send(raw(99, Buffer.alloc(0), { flags: HeaderFlag.NO_REPLY }));
    const reply = await peer.ask(raw(Command.DEVICE_RESET, Buffer.alloc(0), { id: 77 }));
    assert.equal(reply.errno, 0);
  }),
);

test('whatever a peer sends, the server answers or ends the connection, and lives', needsAddon, async () => {
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc
      .tuple(fc.constantFrom(...Object.values(Command)), fc.uint8Array({ maxLength: 48 }))
      .map(([, bytes]) => bytes),
  );
  const message = fc
    .record({
      command: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 19 }) }, fc.nat(0xffff)),
      payload,
      id: fc.nat(0xffff),
      flags: fc.oneof({ weight: 8, arbitrary: fc.constantFrom(0, 0x10) }, fc.nat(0xffff_ffff)),
      lie: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.integer({ min: -20, max: 70_000 })),
      fds: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(3)),
    })
    .map(({ command, payload: bytes, id, flags, lie, fds }) => ({
      fds,
      bytes: raw(command, bytes, { id, flags, size: Math.max(0, 16 + bytes.length + lie) }),
    }));
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 12 }), (messages) =>
      attack(async ({ peer }) => {
        for (const { bytes, fds } of messages) {
          const given = Array.from({ length: fds }, () => addon.eventfd(0));
          await peer.send(bytes, given).catch((error: NodeJS.ErrnoException) => {
            assert.ok(error.code === 'EPIPE' || error.code === 'ECONNRESET', error.message);
          });
        }
        await turns();
      }),
    ),
    { numRuns: 60 },
  );
});

/** A server that answers as the test says; returns how the client's connecting, or its use, ended. */
async function lure(
  script: (peer: RawPeer) => Promise<void>,
  use: (client: VfioUserClient) => Promise<unknown> = async () => undefined,
): Promise<unknown> {
  const before = openDescriptors();
  const [a, b] = addon.socketpair();
  const peer = new RawPeer(a);
  // The client may leave in the middle of it.
  const played = script(peer).catch(() => undefined);
  let client: VfioUserClient | undefined;
  let outcome: unknown;
  try {
    client = await VfioUserClient.connect(b, { native: addon, clock: new SystemClock() });
    outcome = await use(client);
  } catch (error) {
    outcome = error;
  }
  client?.close();
  await turns();
  peer.close();
  await played;
  await turns();
  assert.equal(openDescriptors(), before);
  return outcome;
}

/** Answers `commands` one after the other; a function's payload may depend on nothing but its turn. */
function answering(...replies: (Buffer | { payload: Buffer; fds: number })[]) {
  return async (peer: RawPeer) => {
    for (const reply of replies) {
      const request = await peer.receive();
      if (request === undefined) return;
      const { payload, fds } = Buffer.isBuffer(reply) ? { payload: reply, fds: 0 } : reply;
      const given = Array.from({ length: fds }, () => addon.eventfd(0));
      await peer.send(raw(request.command, payload, { id: request.id, flags: HeaderFlag.REPLY }), given);
    }
    await peer.receive();
  };
}

const goodVersion = rawVersion().subarray(16);
const capabilities = { ...defaults(), maxDataTransferSize: 1 << 20 };
function defaults() {
  return {
    maxMessageFds: 1,
    maxDmaMaps: 1,
    pageSizes: 4096,
    writeMultiple: false,
    twinSocket: { supported: false },
  };
}

for (const [what, script] of [
  ['another major version', () => answering(encodeVersion({ major: 1, minor: 0, capabilities }))],
  ['a newer minor version', () => answering(encodeVersion({ major: 0, minor: 9, capabilities }))],
  [
    'transfers of 1 GiB',
    () =>
      answering(
        encodeVersion({
          major: 0,
          minor: 0,
          capabilities: { ...capabilities, maxDataTransferSize: 2 ** 30 },
        }),
      ),
  ],
  [
    'a twin socket that it does not send',
    () =>
      answering(
        encodeVersion({
          major: 0,
          minor: 0,
          capabilities: { ...capabilities, twinSocket: { supported: true, fdIndex: 0 } },
        }),
      ),
  ],
  ['too many descriptors', () => answering({ payload: goodVersion, fds: 2 })],
  [
    'a hundred thousand regions',
    () => answering(goodVersion, DEVICE_INFO.encode({ argsz: 16, flags: 2, regions: 100_000, irqs: 0 })),
  ],
  ['a reply that is too long', () => answering(goodVersion, Buffer.alloc(4096))],
  [
    'another region than was asked for',
    () =>
      answering(
        goodVersion,
        DEVICE_INFO.encode({ argsz: 16, flags: 2, regions: 1, irqs: 0 }),
        REGION_INFO.encode({ argsz: 32, flags: 0, index: 3, capOffset: 0, size: 0, offset: 0 }),
      ),
  ],
  [
    'region information without end',
    () =>
      answering(
        goodVersion,
        DEVICE_INFO.encode({ argsz: 16, flags: 2, regions: 1, irqs: 0 }),
        REGION_INFO.encode({ argsz: 2 ** 31, flags: 0, index: 0, capOffset: 0, size: 0, offset: 0 }),
      ),
  ],
] as const) {
  test(`a client leaves a server that has ${what}`, needsAddon, async () => {
    const outcome = await lure(script());
    assert.ok(outcome instanceof ProtocolError, String(outcome));
  });
}

test('a client leaves a server that answers what it was not asked', needsAddon, async () => {
  const outcome = await lure(async (peer) => {
    await peer.receive();
    await peer.send(raw(Command.REGION_READ, Buffer.alloc(16), { id: 9, flags: HeaderFlag.REPLY }));
    await peer.receive();
  });
  assert.ok(outcome instanceof DisconnectedError);
  assert.match(String((outcome as Error).cause), /was not asked for/);
});

test('a server that does not answer is given up in time', needsAddon, async () => {
  const before = openDescriptors();
  const clock = new VirtualClock();
  const [a, b] = addon.socketpair();
  const connecting = VfioUserClient.connect(b, { native: addon, clock });
  const failed = assert.rejects(connecting, {
    name: 'DisconnectedError',
    message: /no reply to VERSION in time/,
  });
  await clock.advance(5000);
  await failed;
  await turns();
  addon.close(a);
  assert.equal(clock.pendingTimers, 0);
  assert.equal(openDescriptors(), before);
});

test('whatever a server sends, the client fails in an orderly way', needsAddon, async () => {
  const reply = fc.record({
    payload: fc.uint8Array({ maxLength: 80 }),
    flags: fc.constantFrom(1, 1, 1, 0x21, 0, 0x10),
    command: fc.option(fc.integer({ min: 0, max: 19 })),
    fds: fc.constantFrom(0, 0, 0, 1, 2),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.boolean(),
      fc.array(reply, { minLength: 1, maxLength: 6 }),
      async (polite, replies) => {
        const outcome = await lure(async (peer) => {
          if (polite) {
            const version = await peer.receive();
            await peer.send(raw(Command.VERSION, goodVersion, { id: version!.id, flags: HeaderFlag.REPLY }));
          }
          // The client asks one thing after the other, with ids in order.
          const asked = [Command.VERSION, Command.DEVICE_GET_INFO, Command.DEVICE_GET_REGION_INFO].slice(
            +polite,
          );
          for (const [index, { payload, flags, command, fds }] of replies.entries()) {
            await turns(2);
            const id = index + 1 + +polite;
            const given = Array.from({ length: fds }, () => addon.eventfd(0));
            await peer.send(raw(command ?? asked[Math.min(index, 2)] ?? 5, payload, { id, flags }), given);
          }
          await turns();
          peer.close();
        }, RemoteDevice.of);
        assert.ok(outcome instanceof Error);
      },
    ),
    { numRuns: 60 },
  );
});

test('a device whose server dies is in the error state, and says so', needsAddon, async () => {
  const before = openDescriptors();
  const server = new VfioUserServer({
    native: addon,
    clock: new SystemClock(),
    create: (attachment) => new ExampleDevice(attachment).function,
  });
  const [a, b] = addon.socketpair();
  server.accept(a);
  let gone = 0;
  const client = await VfioUserClient.connect(b, {
    native: addon,
    clock: new SystemClock(),
    closed: () => {
      gone++;
    },
  });
  const device = await RemoteDevice.of(client);
  assert.equal(device.state, 2);
  server.close();
  await turns();
  assert.equal(device.state, 0);
  await assert.rejects(device.setState(1), { name: 'VfioError', code: 'EIO' });
  await assert.rejects(device.reset(), { code: 'EIO' });
  assert.equal(gone, 1);
  client.close();
  assert.equal(openDescriptors(), before);
});
