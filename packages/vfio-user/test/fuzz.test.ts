import assert from 'node:assert/strict';
import { ftruncateSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import fc from 'fast-check';
import { RemoteDevice, VfioUserClient, VfioUserServer } from '../src/index.js';
import {
  Command,
  DEVICE_INFO,
  DMA_ACCESS,
  DMA_MAP,
  DMA_UNMAP,
  FEATURE,
  FEATURE_LOGGING_REPORT,
  FEATURE_LOGGING_START,
  HeaderFlag,
  IRQ_SET,
  LOGGING_RANGE,
  MIG_DATA,
  REGION_ACCESS,
  REGION_INFO,
  REGION_IO_FDS,
  UNMAP_BITMAP,
  WRITE_MULTI,
} from '../src/protocol/messages.js';
import { ExampleDevice } from './example-device.js';
import { openDescriptors } from './open-descriptors.js';
import { RawPeer, raw, rawVersion } from './raw-peer.js';
import { addon, needsAddon, turns } from './served.js';

const RUNS = Number(process.env.GODWIT_FUZZ_RUNS ?? 40);
const PAGE = 4096;
/** The name by which mappings of this test are told from others. */
const FILE = 'fuzz-ram';

function mappings(): number {
  return readFileSync('/proc/self/maps', 'utf8').split(`memfd:${FILE}`).length - 1;
}

type Kind = 'memory' | 'shrinks' | 'short' | 'eventfd' | 'socket';

/** A descriptor of that kind, which belongs to the caller; a memory file that shrinks is named in `shrinking`, too. */
function descriptor(kind: Kind, shrinking: number[]): number {
  switch (kind) {
    case 'eventfd':
      return addon.eventfd(0);
    case 'socket': {
      const [ours, theirs] = addon.socketpair();
      addon.close(ours);
      return theirs;
    }
    default: {
      const fd = addon.memfdCreate(FILE, kind === 'short' ? PAGE : 16 * PAGE);
      if (kind === 'shrinks') shrinking.push(addon.dup(fd));
      return fd;
    }
  }
}

const kind = fc.constantFrom<Kind>('memory', 'memory', 'shrinks', 'short', 'eventfd', 'eventfd', 'socket');
/** Few enough to meet and to overlap, and some that are beyond everything. */
const page = fc.oneof(
  { weight: 9, arbitrary: fc.integer({ min: 0, max: 12 }).map((number) => number * PAGE) },
  fc.constantFrom(1, 2 ** 32, 2 ** 53 - 1, 2 ** 52),
);
const u32 = fc.oneof(
  { weight: 6, arbitrary: fc.nat(9) },
  fc.constantFrom(63, 4096, 1 << 20, 2 ** 31, 2 ** 32 - 1),
);
const bytes = fc.uint8Array({ maxLength: 80 });

const payloads: Readonly<Record<number, fc.Arbitrary<Buffer>>> = {
  [Command.VERSION]: bytes.map((text) =>
    Buffer.concat([rawVersion().subarray(16, 20), text, Buffer.alloc(1)]),
  ),
  [Command.DMA_MAP]: fc
    .record({ argsz: u32, flags: fc.nat(3), offset: page, address: page, size: page })
    .map((fields) => DMA_MAP.encode(fields)),
  [Command.DMA_UNMAP]: fc
    .record({ flags: fc.nat(3), address: page, size: page, pageSize: page, bitmap: u32 })
    .map(({ flags, address, size, pageSize, bitmap }) =>
      Buffer.concat([
        DMA_UNMAP.encode({ argsz: 1 << 20, flags, address, size }),
        UNMAP_BITMAP.encode({ pageSize, size: bitmap }),
      ]),
    ),
  [Command.DEVICE_GET_INFO]: u32.map((argsz) => DEVICE_INFO.encode({ argsz, flags: 0, regions: 0, irqs: 0 })),
  [Command.DEVICE_GET_REGION_INFO]: fc
    .record({ argsz: u32, flags: u32, index: u32, capOffset: u32, size: page, offset: page })
    .map((fields) => REGION_INFO.encode(fields)),
  [Command.DEVICE_GET_REGION_IO_FDS]: fc
    .record({ argsz: u32, flags: fc.nat(1), index: u32, count: u32 })
    .map((fields) => REGION_IO_FDS.encode(fields)),
  [Command.DEVICE_SET_IRQS]: fc
    .record({ argsz: u32, flags: fc.nat(0x3f), index: fc.nat(5), start: u32, count: u32 })
    .chain((fields) => bytes.map((flags) => Buffer.concat([IRQ_SET.encode(fields), flags]))),
  [Command.REGION_READ]: fc
    .record({ offset: page, region: fc.nat(10), count: u32 })
    .map((fields) => REGION_ACCESS.encode(fields)),
  [Command.REGION_WRITE]: fc
    .record({ offset: page, region: fc.nat(10), count: u32 })
    .chain((fields) => bytes.map((data) => Buffer.concat([REGION_ACCESS.encode(fields), data]))),
  [Command.REGION_WRITE_MULTI]: page.chain((count) =>
    bytes.map((data) => Buffer.concat([WRITE_MULTI.encode({ count }), data])),
  ),
  [Command.DEVICE_FEATURE]: fc.oneof(
    fc
      .record({ argsz: u32, flags: fc.nat(0x7_000f), data: bytes })
      .map(({ argsz, flags, data }) => Buffer.concat([FEATURE.encode({ argsz, flags }), data])),
    fc.nat(7).map((state) => feature(0x2_0002, Buffer.from([state, 0, 0, 0, 255, 255, 255, 255]))),
    fc
      .record({ iova: page, length: page, pageSize: page })
      .map(({ iova, length, pageSize }) =>
        feature(
          0x2_0006,
          Buffer.concat([
            FEATURE_LOGGING_START.encode({ pageSize, ranges: 1, reserved: 0 }),
            LOGGING_RANGE.encode({ iova, length }),
          ]),
        ),
      ),
    fc
      .record({ iova: page, length: page, pageSize: page })
      .map((fields) => feature(0x1_0008, FEATURE_LOGGING_REPORT.encode(fields))),
  ),
  [Command.MIG_DATA_READ]: u32.map((size) => MIG_DATA.encode({ argsz: 16, size })),
  [Command.MIG_DATA_WRITE]: u32.chain((size) =>
    bytes.map((data) => Buffer.concat([MIG_DATA.encode({ argsz: 16, size }), data])),
  ),
};

function feature(flags: number, data: Uint8Array): Buffer {
  return Buffer.concat([FEATURE.encode({ argsz: 1 << 20, flags }), data]);
}

/** What a message says of its size is the truth, mostly. */
const lie = fc.oneof({ weight: 24, arbitrary: fc.constant(0) }, fc.integer({ min: -40, max: 70_000 }));

const message: fc.Arbitrary<Sent> = fc
  .constantFrom(...Object.keys(payloads).map(Number), Command.DEVICE_RESET, Command.DMA_READ, 14, 99)
  .chain((command) =>
    fc.record({
      command: fc.constant(command),
      payload: fc.oneof({ weight: 9, arbitrary: payloads[command] ?? bytes.map(Buffer.from) }, bytes),
      // Ids are used again and again.
      id: fc.nat(2),
      flags: fc.oneof({ weight: 12, arbitrary: fc.constantFrom(0, 0, HeaderFlag.NO_REPLY) }, fc.nat(0x3f)),
      lie,
      fds: fc.oneof({ weight: 3, arbitrary: fc.constant<Kind[]>([]) }, fc.array(kind, { maxLength: 4 })),
    }),
  );

interface Sent {
  readonly command: number;
  readonly payload: Uint8Array;
  readonly id: number;
  readonly flags: number;
  readonly lie: number;
  readonly fds: readonly Kind[];
}

/** Beside what the peer sends: what the device does, files that shrink, and a peer that pauses or stops half-way. */
type Step =
  | { readonly do: 'send'; readonly sent: Sent }
  | { readonly do: 'dma'; readonly address: number }
  | { readonly do: 'raise' | 'shrink' | 'pause' }
  | { readonly do: 'stop'; readonly length: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: message.map((sent): Step => ({ do: 'send', sent })) },
  { weight: 2, arbitrary: page.map((address): Step => ({ do: 'dma', address })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('raise', 'shrink', 'pause').map((what) => ({ do: what }) as Step),
  },
  { weight: 1, arbitrary: fc.nat(60).map((length): Step => ({ do: 'stop', length })) },
);

/** Sends as far as the other side takes it; it may have closed the connection. */
async function offer(peer: RawPeer, content: Uint8Array, fds: number[] = []): Promise<void> {
  await peer.send(content, fds).catch((error: NodeJS.ErrnoException) => {
    assert.ok(error.code === 'EPIPE' || error.code === 'ECONNRESET', error.message);
  });
}

test('whatever a client does, the server lives and keeps nothing of it', needsAddon, async () => {
  let device: ExampleDevice | undefined;
  const server = new VfioUserServer({
    native: addon,
    clock: new SystemClock(),
    create: (attachment) => {
      device = new ExampleDevice(attachment);
      return device.function;
    },
  });
  const { memory, interrupts } = device!.attachment;
  const play = async (each: Exclude<Step, { do: 'stop' }>, peer: RawPeer, shrinking: number[]) => {
    switch (each.do) {
      case 'send': {
        const { command, payload, id, flags, lie: by, fds } = each.sent;
        const size = Math.max(0, 16 + payload.length + by);
        const given = fds.map((what) => descriptor(what, shrinking));
        await offer(peer, raw(command, payload, { id, flags, size }), given);
        break;
      }
      case 'dma':
        // What has to go by messages is never answered; what is mapped may have shrunk.
        memory.readAsync(each.address, Buffer.alloc(PAGE)).catch(() => undefined);
        memory.writeAsync(each.address + 8, Buffer.alloc(PAGE)).catch(() => undefined);
        memory.view(each.address, 8)?.fill(1);
        break;
      case 'shrink':
        for (const fd of shrinking) ftruncateSync(fd, 0);
        break;
      case 'raise':
        interrupts.raise(1);
        break;
      case 'pause':
        await turns(2);
    }
  };
  const session = async (steps: readonly Step[], twin: boolean) => {
    const shrinking: number[] = [];
    const [a, b] = addon.socketpair();
    server.accept(a);
    const peer = new RawPeer(b);
    const reply = await peer.ask(rawVersion({ twinSocket: { supported: twin } }));
    for (const each of steps) {
      if (each.do === 'stop') {
        await offer(peer, raw(Command.REGION_WRITE, Buffer.alloc(64)).subarray(0, each.length));
        break;
      }
      await play(each, peer, shrinking);
    }
    await turns(2);
    peer.close();
    for (const fd of [...reply.fds, ...shrinking]) addon.close(fd);
    while (server.connected) await turns(1);
    await turns(4);
  };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 24 }), fc.boolean(), async (steps, twin) => {
      const before = { descriptors: openDescriptors(), mappings: mappings() };
      await session(steps, twin);
      assert.deepEqual(memory.maps, []);
      assert.deepEqual({ descriptors: openDescriptors(), mappings: mappings() }, before);
      await server.device.reset();
      const [a, b] = addon.socketpair();
      server.accept(a);
      const client = await VfioUserClient.connect(b, { native: addon, clock: new SystemClock() });
      const device = await RemoteDevice.of(client);
      await device.reset();
      client.close();
      while (server.connected) await turns(1);
      await turns(4);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
  server.close();
});

/** What an honest server would answer, for a fuzzed one to spoil. */
function honest(command: number): Buffer {
  switch (command) {
    case Command.VERSION:
      return rawVersion().subarray(16);
    case Command.DEVICE_GET_INFO:
      return DEVICE_INFO.encode({ argsz: 16, flags: 3, regions: 2, irqs: 1 });
    case Command.DEVICE_GET_REGION_INFO:
      return REGION_INFO.encode({ argsz: 32, flags: 7, index: 0, capOffset: 0, size: PAGE, offset: 0 });
    case Command.DEVICE_GET_IRQ_INFO:
      return Buffer.from([16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
    case Command.REGION_READ:
      return REGION_ACCESS.encode({ offset: 0, region: 0, count: 8 }, 8);
    case Command.MIG_DATA_READ:
      return MIG_DATA.encode({ argsz: 16, size: 8 }, 8);
    default:
      return Buffer.alloc(0);
  }
}

const answer = fc.record({
  /** What is done with the honest answer: as it is, other bytes, cut off, too long, an error. */
  spoil: fc.oneof(
    { weight: 5, arbitrary: fc.constant('no' as const) },
    fc.constantFrom('random', 'cut', 'long', 'error', 'silence', 'flip'),
  ),
  bytes,
  command: fc.option(fc.nat(19), { freq: 12 }),
  idOffset: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, fc.integer({ min: -3, max: 3 })),
  lie,
  fds: fc.oneof({ weight: 2, arbitrary: fc.constant<Kind[]>([]) }, fc.array(kind, { maxLength: 3 })),
  /** A command of its own goes before the answer. */
  dma: fc.option(
    fc.record({ command: fc.constantFrom(11, 12, 9, 1), address: page, count: page, data: bytes }),
    {
      freq: 4,
    },
  ),
});

function spoiled(how: string, payload: Buffer, noise: Uint8Array): Buffer {
  if (how === 'random') return Buffer.from(noise);
  if (how === 'cut') return payload.subarray(0, payload.length >> 1);
  if (how === 'long') return Buffer.concat([payload, noise, Buffer.alloc(1)]);
  if (how !== 'flip' || payload.length === 0) return payload;
  const copy = Buffer.from(payload);
  const at = (noise[0] ?? 0) % copy.length;
  copy[at] = copy[at]! ^ (noise[1] ?? 0x80);
  return copy;
}

/** Uses much of a client; how it fails is of no interest here. */
async function useClient(client: VfioUserClient): Promise<void> {
  const fd = addon.memfdCreate(FILE, PAGE);
  const ram = new Uint8Array(addon.mmap(fd, 0, PAGE, true));
  const event = addon.eventfd(0);
  try {
    await client.mapMemory({ address: 0, bytes: ram, file: { fd, offset: 0 } }).catch(() => undefined);
    await client.readRegion(0, 0, Buffer.alloc(8)).catch(() => undefined);
    for (const { fd: each } of await client.ioEvents(0).catch(() => [])) addon.close(each);
    await client.setIrqs(0, 0, [event]).catch(() => undefined);
    const device = await RemoteDevice.of(client);
    await device.setState(3).catch(() => undefined);
    await device.readData(Buffer.alloc(64)).catch(() => undefined);
    await device.dmaLogging.start([{ iova: 0, length: PAGE }], PAGE).catch(() => undefined);
    await device.dmaLogging.report(0, PAGE, PAGE, new Uint32Array(2)).catch(() => undefined);
    await client.unmapMemory(0).catch(() => undefined);
    await device.reset();
  } finally {
    addon.munmap(ram.buffer);
    addon.close(fd);
    addon.close(event);
  }
}

test('whatever a server does, the client lives and keeps nothing of it', needsAddon, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { maxLength: 24 }), async (answers) => {
      const before = { descriptors: openDescriptors(), mappings: mappings() };
      const [a, b] = addon.socketpair();
      const peer = new RawPeer(a);
      const shrinking: number[] = [];
      const play = async () => {
        for (const { spoil, bytes: noise, command, idOffset, lie: by, fds, dma } of answers) {
          const request = await peer.receive();
          if (request === undefined) break;
          for (const fd of request.fds) addon.close(fd);
          if (dma !== null) {
            const access = DMA_ACCESS.encode({ address: dma.address, count: dma.count });
            await offer(peer, raw(dma.command, Buffer.concat([access, dma.data]), { id: request.id }));
          }
          if (spoil === 'silence') break;
          if (request.flags === HeaderFlag.REPLY) continue;
          const payload = spoiled(spoil, honest(request.command), noise);
          const flags = HeaderFlag.REPLY | (spoil === 'error' ? HeaderFlag.ERROR : 0);
          const header = {
            id: (request.id + idOffset) & 0xffff,
            flags,
            errno: noise[0] ?? 0,
            size: Math.max(0, 16 + payload.length + by),
          };
          await offer(
            peer,
            raw(command ?? request.command, payload, header),
            fds.map((what) => descriptor(what, shrinking)),
          );
        }
        // It goes, whatever the client waits for.
        peer.close();
      };
      const played = play();
      // A message that is shorter than it says is waited for; that ends soon, and how is of no interest either.
      const options = { native: addon, clock: new SystemClock(), timeoutMs: 20 };
      const client = await VfioUserClient.connect(b, options).catch(() => undefined);
      if (client !== undefined) await useClient(client).catch(() => undefined);
      client?.close();
      await played;
      for (const fd of shrinking) addon.close(fd);
      await turns(4);
      assert.deepEqual({ descriptors: openDescriptors(), mappings: mappings() }, before);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});
