import { native } from '@godwit/native';
import type { PropertyValue } from '@godwit/vfio';
import fc from 'fast-check';

/** What goes wrong with a migration. Times are virtual milliseconds from `migrate`, offsets bytes of a direction. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'cancel'; readonly after: number }
  /** The guest is stopped and, later, continued. */
  | { readonly kind: 'stop-and-cont'; readonly after: number; readonly pause: number }
  /** One side goes without a word. */
  | { readonly kind: 'gone'; readonly side: Side; readonly after: number }
  | {
      readonly kind: 'stream';
      readonly direction: 'out' | 'back';
      readonly harm: 'flip' | 'cut' | 'stall';
      readonly offset: number;
      readonly mask: number;
    }
  /** The migration goes to a file, for which there is no space. */
  | { readonly kind: 'disk-full' }
  | {
      readonly kind: 'device';
      readonly side: Side;
      readonly index: number;
      readonly properties: FuzzedDevice['properties'];
    }
  /** A server of a device, where there is one, leaves or hangs once it has looked for so many messages. */
  | {
      readonly kind: 'server';
      readonly side: Side;
      readonly index: number;
      readonly harm: 'leaves' | 'hangs';
      readonly after: number;
    };

export type Side = 'source' | 'destination';

/** About what a machine of the trials sends, with its devices. */
const STREAM_BYTES = 1_300_000;
const ANSWER_BYTES = 120;
const DURATION_MS = 200;

const ARCS = {
  source: [
    'running->pre-copy',
    'running->running-p2p',
    'running->stop',
    'pre-copy->pre-copy-p2p',
    'pre-copy->stop-copy',
    'pre-copy->running',
    'pre-copy-p2p->stop-copy',
    'running-p2p->stop',
    'stop->stop-copy',
    'stop-copy->stop',
    'stop->running-p2p',
    'running-p2p->running',
  ],
  destination: [
    'stop->resuming',
    'resuming->stop',
    'stop->running-p2p',
    'running-p2p->running',
    'stop->running',
  ],
} as const;

const anySide = fc.constantFrom<Side[]>('source', 'destination');
const anyTime = fc.nat(DURATION_MS);
const anyDevice = fc.nat(3);

const failingArc = anySide.chain((side) =>
  fc.record({
    kind: fc.constant('device' as const),
    side: fc.constant(side),
    index: anyDevice,
    properties: fc.record({
      'fail-arc': fc.constantFrom(...ARCS[side]),
      'fail-leaves': fc.constantFrom('from', 'error'),
      'fail-stream': fc.boolean(),
    }),
  }),
);

const failingData = fc
  .record({
    fault: fc.constantFrom(
      ['source', 'fail-read-at'],
      ['source', 'corrupt-at'],
      ['destination', 'fail-write-at'],
    ),
    at: fc.nat(100_000),
    index: anyDevice,
  })
  .map(({ fault: [side, property], at, index }) => ({
    kind: 'device' as const,
    side: side as Side,
    index,
    properties: { [property!]: at },
  }));

const failingServer = fc.record({
  kind: fc.constant('server' as const),
  side: anySide,
  index: anyDevice,
  harm: fc.constantFrom('leaves' as const, 'hangs' as const),
  after: fc.integer({ min: 1, max: 60 }),
});

export const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ kind: 'none' } as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('cancel' as const), after: anyTime }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('stop-and-cont' as const), after: anyTime, pause: fc.nat(100) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('gone' as const), side: anySide, after: anyTime }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('out' as const, 'back' as const).chain((direction) =>
      fc.record({
        kind: fc.constant('stream' as const),
        direction: fc.constant(direction),
        harm: fc.constantFrom('flip' as const, 'cut' as const, 'stall' as const),
        offset: fc.nat(direction === 'out' ? STREAM_BYTES : ANSWER_BYTES),
        mask: fc.integer({ min: 1, max: 255 }),
      }),
    ),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'disk-full' } as const) },
  { weight: 5, arbitrary: failingArc },
  { weight: 3, arbitrary: failingData },
  { weight: 2, arbitrary: failingServer },
);

/** How the machines are told to migrate: capabilities of both, and channels of multifd. */
export interface Way {
  readonly capabilities: readonly string[];
  readonly channels: number;
}

export const anyWay: fc.Arbitrary<Way> = fc.record({
  capabilities: fc.constantFrom<(readonly string[])[]>(
    [],
    ['return-path', 'switchover-ack'],
    ['multifd'],
    ['multifd', 'return-path', 'switchover-ack'],
    ['x-precopy-recovery'],
    ['x-precopy-recovery', 'return-path', 'switchover-ack'],
    ['x-precopy-recovery', 'multifd'],
  ),
  channels: fc.integer({ min: 1, max: 4 }),
});

export interface FuzzedDevice {
  /** It is served over vfio-user. */
  readonly remote: boolean;
  /** Of the model. */
  readonly properties: Readonly<Record<string, PropertyValue>>;
}

const here = (properties: FuzzedDevice['properties']): FuzzedDevice => ({ remote: false, properties });
/** Without the addon there is no vfio-user. */
const elsewhere = (properties: FuzzedDevice['properties']): FuzzedDevice => ({
  remote: native !== undefined,
  properties,
});

/** Devices that can go together: one of any kind, or several that all support P2P. */
export const anyDevices: fc.Arbitrary<readonly FuzzedDevice[]> = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      here({ model: 'block' }),
      elsewhere({ model: 'block' }),
      here({ model: 'nic', protocol: 'v1' }),
      here({ model: 'gpu', protocol: 'v1', 'region-mapped': false }),
      here({ model: 'crypto', protocol: 'v1' }),
      here({ model: 'block', protocol: 'v1' }),
    ),
  ),
  fc.array(
    fc.constantFrom(
      here({ model: 'nic', 'dma-rate': 65536 }),
      here({
        model: 'nic',
        'dma-rate': 65536,
        'x-device-dirty-page-tracking': false,
        'enable-migration': 'on',
      }),
      here({ model: 'nic', 'dma-rate': 65536, 'x-pre-copy-dirty-page-tracking': false }),
      here({ model: 'nic', 'pre-copy': false }),
      here({ model: 'gpu', 'dirty-rate': 262144 }),
      here({ model: 'gpu', 'reinit-after': 20 }),
      here({ model: 'crypto', p2p: true, latency: 3 }),
      elsewhere({ model: 'nic', 'dma-rate': 65536 }),
      elsewhere({ model: 'gpu', 'dirty-rate': 262144, latency: 3 }),
    ),
    { minLength: 1, maxLength: 4 },
  ),
);
