import type { JsonObject } from '@godwit/json';
import type { MachinePair, MachinePairOptions } from '../support/machine-pair.js';
import { device, execute } from '../support/test-machine.js';

/** What a device supports beside STOP_COPY. */
export const KINDS = {
  neither: { p2p: false, 'pre-copy': false },
  P2P: { p2p: true, 'pre-copy': false },
  PRE_COPY: { p2p: false, 'pre-copy': true },
  both: { p2p: true, 'pre-copy': true },
} as const;

export type Kind = keyof typeof KINDS;

/** What devices are called where there are several. */
const NAMES = 'abcd';

/** Something that happens to a machine with one device `d`, or to two such machines. */
export interface Scenario {
  /** Of devices with which it can happen; all unless told otherwise. */
  readonly kinds?: readonly Kind[];
  /** Properties of the device beside its kind. */
  readonly device?: JsonObject;
  /** Where the destination's device differs. */
  readonly destinationDevice?: JsonObject;
  readonly options?: Omit<MachinePairOptions, 'devices'>;
  readonly capabilities?: readonly string[];
  readonly parameters?: JsonObject;
  run(pair: MachinePair): Promise<void>;
}

/** A guest that cannot be stopped yet: more is left than may be sent in the downtime. */
const BUSY = {
  device: { 'state-size': 256 * 1024, 'dirty-rate': 64 * 1024 ** 2 },
  parameters: { 'max-bandwidth': 1024 * 1024, 'downtime-limit': 0 },
} as const;

/** The destination takes its time to load, so that the source waits with its guest stopped. */
const SLOW_TO_LOAD = { destinationDevice: { 'latency-resuming-to-stop': 100 } } as const;

const WAITING = { capabilities: ['events', 'pause-before-switchover'] } as const;

async function toTheEnd(pair: MachinePair): Promise<void> {
  await pair.start();
  await pair.ended();
}

/** Starts, waits for a status, and cancels. */
function cancelledIn(status: string): Scenario['run'] {
  return async (pair) => {
    await pair.start();
    await pair.until(pair.source, `MIGRATION ${status}`);
    await pair.clock.advance(20);
    await execute(pair.source, 'migrate_cancel');
    await pair.ended();
  };
}

/** Starts, waits for a status, and takes the destination away. */
function brokenIn(status: string): Scenario['run'] {
  return async (pair) => {
    await pair.start();
    await pair.until(pair.source, `MIGRATION ${status}`);
    await pair.clock.advance(20);
    const gone = pair.destination.machine.migrations.close();
    await pair.ended();
    await gone;
  };
}

/** By the headings of EVENTS.md. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'stop and cont': {
    async run({ source, clock }) {
      await execute(source, 'stop');
      await execute(source, 'cont');
      await clock.advance(1);
    },
  },
  'the first cont': {
    options: { source: { startStopped: true } },
    async run({ source, clock }) {
      await execute(source, 'cont');
      await clock.advance(1);
    },
  },
  'a migration': { run: toTheEnd },
  'a migration that waits before the switchover': {
    ...WAITING,
    async run(pair) {
      await pair.start();
      await pair.until(pair.source, 'MIGRATION pre-switchover');
      await execute(pair.source, 'migrate-continue', { state: 'pre-switchover' });
      await pair.ended();
    },
  },
  'a migration of a paused guest, and cont': {
    async run(pair) {
      await execute(pair.source, 'stop');
      await toTheEnd(pair);
      await execute(pair.destination, 'cont');
      await pair.clock.advance(1);
    },
  },
  'a destination with -S, and cont': {
    options: { destination: { startStopped: true } },
    async run(pair) {
      await toTheEnd(pair);
      await execute(pair.destination, 'cont');
      await pair.clock.advance(1);
    },
  },
  'stop while it iterates': {
    ...BUSY,
    async run(pair) {
      await pair.start();
      await pair.until(pair.source, 'MIGRATION active');
      await pair.clock.advance(20);
      await execute(pair.source, 'stop');
      await pair.ended();
    },
  },
  'stop and cont while it iterates': {
    ...BUSY,
    async run(pair) {
      await pair.start();
      await pair.until(pair.source, 'MIGRATION active');
      await pair.clock.advance(20);
      await execute(pair.source, 'stop');
      await execute(pair.source, 'cont');
      await pair.clock.advance(500);
      await execute(pair.source, 'migrate-set-parameters', { 'downtime-limit': 2000, 'max-bandwidth': 0 });
      await pair.ended();
    },
  },
  'cancelled before anybody answers': {
    async run(pair) {
      // The destination's device takes long to be ready, and until then the source is in setup.
      await pair.start();
      await pair.clock.advance(20);
      await execute(pair.source, 'migrate_cancel');
      await pair.ended();
    },
    destinationDevice: { 'latency-stop-to-resuming': 200 },
  },
  'cancelled while it iterates': { ...BUSY, run: cancelledIn('active') },
  'cancelled before the switchover': { ...WAITING, run: cancelledIn('pre-switchover') },
  'cancelled while the guest is stopped': { ...SLOW_TO_LOAD, run: cancelledIn('device') },
  'cancelled when it has completed': {
    async run(pair) {
      await toTheEnd(pair);
      await execute(pair.source, 'migrate_cancel');
      await pair.clock.advance(1);
    },
  },
  'cancelled while a paused guest moves': {
    ...SLOW_TO_LOAD,
    async run(pair) {
      await execute(pair.source, 'stop');
      await cancelledIn('device')(pair);
    },
  },
  'nobody listens': {
    async run(pair) {
      await execute(pair.source, 'migrate', { uri: `${pair.uri}-elsewhere` });
      await pair.until(pair.source, 'MIGRATION failed');
      await pair.clock.advance(10);
    },
  },
  'the destination is another machine': {
    options: { destination: { memory: 16 * 1024 ** 2 } },
    run: toTheEnd,
  },
  'the destination goes while the source iterates': { ...BUSY, run: brokenIn('active') },
  'the destination goes before the switchover': { ...WAITING, run: brokenIn('pre-switchover') },
  'the destination goes while the guest is stopped': { ...SLOW_TO_LOAD, run: brokenIn('device') },
  "the destination's device cannot be given data": {
    destinationDevice: { 'fail-arc': 'stop->resuming' },
    run: toTheEnd,
  },
  "the destination's device refuses its data while the source iterates": {
    kinds: ['PRE_COPY', 'both'],
    destinationDevice: { 'fail-write-at': 100 },
    parameters: { 'downtime-limit': 0 },
    run: toTheEnd,
  },
  "the destination's device refuses its data while the guest is stopped": {
    kinds: ['neither', 'P2P'],
    destinationDevice: { 'fail-write-at': 100 },
    run: toTheEnd,
  },
  "the destination's device cannot use its data": {
    destinationDevice: { 'fail-arc': 'resuming->stop' },
    run: toTheEnd,
  },
  "the source's device fails in the middle of its data": {
    device: { 'fail-read-at': 100 },
    run: toTheEnd,
  },
};

/** Which arc of which device's transitions fails, and what it leaves the device in. */
export interface FailingArc {
  /** Of all devices, as in `both + P2P`. */
  readonly kinds: string;
  /** Which of them it is. */
  readonly index: number;
  readonly side: 'source' | 'destination';
  readonly arc: string;
  readonly leaves: 'from' | 'error';
}

/** `both, running->pre-copy`, or `P2P + both, b stop->resuming at the destination, into error`. */
export function parseFailingArc(text: string): FailingArc {
  const [, kinds = '', name = 'a', arc = '', destination, error] =
    /^([\w +]+), (?:([a-d]) )?([\w-]+->[\w-]+)( at the destination)?(, into error)?$/.exec(text) ?? [];
  const known = kinds.split(' + ').every((kind) => Object.hasOwn(KINDS, kind));
  if (!known) throw new Error(`'${text}' names no arc`);
  return {
    kinds,
    index: NAMES.indexOf(name),
    side: destination === undefined ? 'source' : 'destination',
    arc,
    leaves: error === undefined ? 'from' : 'error',
  };
}

/** What happens to machines with a device that fails, by the headings of EVENTS.md. */
export const FAILING_SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a transition fails': { run: toTheEnd },
  'a transition fails at stop or cont': SCENARIOS['stop and cont']!,
  'a transition of a paused guest fails, and cont': {
    async run(pair) {
      await execute(pair.source, 'stop');
      await toTheEnd(pair);
      await execute(pair.source, 'cont');
      await pair.clock.advance(1);
    },
  },
  'a transition fails after a cancel': { ...BUSY, run: cancelledIn('active') },
  'a transition fails after a cancel before the switchover': {
    ...WAITING,
    run: cancelledIn('pre-switchover'),
  },
};

export async function play(pair: MachinePair, scenario: Scenario): Promise<void> {
  if (scenario.parameters !== undefined) {
    await execute(pair.source, 'migrate-set-parameters', scenario.parameters);
  }
  await scenario.run(pair);
}

/**
 * Two machines with devices of the kinds in `both + P2P`, called `a`, `b`, …; a device that is alone is called `d`.
 * @param failing one of them, where one is to fail
 */
export function pairOptions(
  scenario: Scenario,
  kinds: string,
  protocol: string,
  failing?: FailingArc,
): MachinePairOptions {
  const { capabilities, options = {} } = scenario;
  const { 'state-size': stateSize } = scenario.device ?? {};
  const destinationDevice = {
    ...(stateSize === undefined ? {} : { 'state-size': stateSize }),
    ...scenario.destinationDevice,
  };
  const devices = (side: FailingArc['side'], properties: JsonObject = {}) => {
    const names = kinds.split(' + ');
    return names.map((kind, index) =>
      device(names.length === 1 ? 'd' : NAMES[index]!, {
        ...KINDS[kind as Kind],
        // In v1 the property need not be said, and may not be on.
        ...(protocol === 'v1' ? { protocol } : {}),
        ...properties,
        ...(failing?.side === side && failing.index === index
          ? { 'fail-arc': failing.arc, 'fail-leaves': failing.leaves }
          : {}),
      }),
    );
  };
  return {
    ...options,
    devices: devices('source', scenario.device),
    destinationDevices: devices('destination', destinationDevice),
    source: { ...options.source, ...(capabilities === undefined ? {} : { capabilities }) },
  };
}
