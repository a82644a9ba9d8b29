import { VirtualClock } from '@godwit/clock';
import {
  type Channel,
  defaultPageDigests,
  defaultParameters,
  IncomingMigration,
  type IncomingOptions,
  type MemoryChannelOptions,
  type MigrationOutcome,
  type MigrationParameters,
  memoryChannelPair,
  OutgoingMigration,
  type OutgoingOptions,
} from '../src/index.js';
import { TestSharing } from './shared-memory.js';
import { TestMachine, type TestMachineOptions } from './test-machine.js';

export interface PairOptions extends TestMachineOptions {
  readonly channel?: MemoryChannelOptions;
  readonly parameters?: Partial<MigrationParameters>;
  readonly outgoing?: Partial<OutgoingOptions>;
  readonly incoming?: Partial<IncomingOptions>;
  /** Where the destination differs from the source. */
  readonly destination?: TestMachineOptions;
  /** Faults between the two; `number` is 0 for the main channel, and counts the additional ones from 1. */
  readonly wrap?: (source: Channel, destination: Channel, number: number) => [Channel, Channel];
  /** Additional channels; the destination may think otherwise. */
  readonly channels?: number;
  readonly destinationChannels?: number;
  /** The destination copies pages out of the source's memory by itself. */
  readonly shares?: boolean;
}

const MIGRATION_ID = '00112233445566778899aabbccddeeff';

/** A channel that tells whether somebody has closed it. Descriptors are numbers that go to the other end. */
class CountedChannel implements Channel {
  readonly carriesDescriptors: boolean;
  readonly #inner: Channel;
  readonly #other: () => CountedChannel;
  #descriptor: number | undefined;
  closed = false;

  constructor(inner: Channel, carriesDescriptors: boolean, other: () => CountedChannel) {
    this.#inner = inner;
    this.carriesDescriptors = carriesDescriptors;
    this.#other = other;
  }

  write(chunks: readonly Uint8Array[], descriptor?: number): Promise<void> {
    if (descriptor !== undefined) this.#other().#descriptor = descriptor;
    return this.#inner.write(chunks);
  }

  takeDescriptor(): number | undefined {
    return this.#descriptor;
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    return this.#inner.readExactly(into);
  }

  close(): void {
    this.closed = true;
    this.#inner.close();
  }
}

/** Two machines and a migration between them, on one virtual clock. */
export class Pair {
  readonly clock = new VirtualClock();
  readonly source: TestMachine;
  readonly destination: TestMachine;
  readonly outgoing: OutgoingMigration;
  readonly incoming: IncomingMigration;
  readonly sharing: TestSharing;
  readonly #shares: boolean;
  readonly #wrap: PairOptions['wrap'];
  readonly #channelOptions: MemoryChannelOptions;
  /** Destination ends that nobody has accepted yet, and who waits for one. */
  readonly #arrived: Channel[] = [];
  #accepting: ((channel: Channel) => void) | undefined;
  /** Both ends of every channel. */
  readonly opened: CountedChannel[] = [];
  outcome: MigrationOutcome | undefined;
  incomingOutcome: MigrationOutcome | undefined;

  constructor(options: PairOptions = {}) {
    this.source = new TestMachine({ ...options, clock: this.clock });
    this.destination = new TestMachine({
      ...options,
      seed: 99,
      runState: 'inmigrate',
      ...options.destination,
      clock: this.clock,
    });
    this.source.randomize();
    this.#channelOptions = { clock: this.clock, ...options.channel };
    this.#wrap = options.wrap;
    this.#shares = options.shares === true;
    this.sharing = new TestSharing(this.clock);
    const common = {
      ramSharing: this.sharing,
      clock: this.clock,
      pageDigests: defaultPageDigests,
      timeouts: { handshake: 1000, stall: 1000, loaded: 1000, hangUp: 1000, device: 1000 },
    };
    this.outgoing = new OutgoingMigration({
      ...common,
      ...(options.channels === undefined
        ? {}
        : { multifd: { channels: options.channels, id: MIGRATION_ID } }),
      ...options.outgoing,
      machine: this.source,
      parameters: { ...defaultParameters, 'max-bandwidth': 0, ...options.parameters },
      onStatus: (status) => {
        this.source.events.push(`MIGRATION ${status}`);
        options.outgoing?.onStatus?.(status);
      },
    });
    this.incoming = new IncomingMigration({
      ...common,
      multifdChannels: () => options.destinationChannels ?? options.channels ?? 0,
      ...options.incoming,
      machine: this.destination,
      onStatus: (status) => this.destination.events.push(`MIGRATION ${status}`),
    });
  }

  start(): void {
    void this.incoming
      .start(() => this.#accept())
      .then((outcome) => {
        this.incomingOutcome = outcome;
      });
    void this.outgoing
      .start(async () => this.#connect(this.#wrap))
      .then((outcome) => {
        this.outcome = outcome;
      });
  }

  /** Another connection for a migration whose first one broke. */
  reconnect(wrap?: PairOptions['wrap']): void {
    // Nobody listens any more where these came from.
    for (const channel of this.#arrived.splice(0)) channel.close();
    this.#accepting = undefined;
    if (!this.incoming.recover(() => this.#accept())) throw new Error('the destination does not wait');
    if (!this.outgoing.resume(async () => this.#connect(wrap))) throw new Error('the source does not wait');
  }

  #connect(wrap: PairOptions['wrap']): Channel {
    const number = this.opened.length / 2;
    const pair = memoryChannelPair(this.#channelOptions);
    const [inner, outer] = wrap?.(...pair, number) ?? pair;
    const near: CountedChannel = new CountedChannel(inner, this.#shares, () => far);
    const far: CountedChannel = new CountedChannel(outer, this.#shares, () => near);
    this.opened.push(near, far);
    if (this.#accepting === undefined) this.#arrived.push(far);
    else this.#accepting(far);
    this.#accepting = undefined;
    return near;
  }

  #accept(): Promise<Channel> {
    const arrived = this.#arrived.shift();
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve) => {
      this.#accepting = resolve;
    });
  }

  get paused(): boolean {
    return this.outgoing.status === 'postcopy-paused' && this.incoming.status === 'postcopy-paused';
  }

  get done(): boolean {
    return this.outcome !== undefined && this.incomingOutcome !== undefined;
  }

  /** Runs to the end of both sides. */
  async run(limitMs = 60_000): Promise<void> {
    this.start();
    await this.finish(limitMs);
  }

  async finish(limitMs = 60_000): Promise<void> {
    await this.clock.advanceUntil(() => this.done, limitMs);
  }

  /** How many guests run now. */
  get runningGuests(): number {
    return Number(this.source.running) + Number(this.destination.running);
  }

  /** Gives up what was never accepted, too; every channel is closed by then. */
  close(): void {
    for (const channel of this.#arrived) channel.close();
    for (const [index, { closed }] of this.opened.entries()) {
      if (!closed) throw new Error(`end ${index % 2} of channel ${Math.floor(index / 2)} is left open`);
    }
    if (this.sharing.opened > 0) throw new Error(`${this.sharing.opened} openings of RAM are left`);
    this.source.close();
    this.destination.close();
  }
}
