import { type Clock, delay } from '@godwit/clock';
import { type Commands, type Events, type MigrationInfo, protocol } from '@godwit/machine/protocol';
import type { Native } from '@godwit/native';
import { clientCodec } from '@godwit/qapi/runtime';
import { QmpClient } from '@godwit/qmp';
import {
  applyEvent,
  emptyTimeline,
  type Side,
  TIMELINE_EVENTS,
  type TimedEvent,
  type Timeline,
} from '@godwit/timeline';

export interface FollowOptions {
  /** Where the monitors are, as `godwit qmp` takes it. Without a destination only the source is watched. */
  readonly source: string;
  readonly destination?: string;
  readonly clock: Clock;
  readonly native: Native | undefined;
  /** Ends the watching; what was seen until then counts. */
  readonly signal: AbortSignal;
  /** A migration is waited for. */
  readonly onWaiting: () => void;
  readonly onEvent: (side: Side, event: TimedEvent) => void;
}

/** What was seen of a migration. */
export interface Followed {
  readonly timeline: Timeline;
  /** What the source says of it at last; undefined where it does not answer any more. */
  readonly info: MigrationInfo | undefined;
}

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);
const POLL_MS = 100;
/** A migration has been followed to its end when nothing more was heard of it for so long, and at the latest after. */
const QUIET_MS = 300;
const LATEST_MS = 15_000;

/** Watches the next migration of a machine, or the one that is under way, until it has ended. */
export async function followMigration(options: FollowOptions): Promise<Followed> {
  const follower = new Follower(options);
  try {
    await follower.attach();
    await follower.follow();
    return { timeline: follower.timeline, info: await follower.info() };
  } finally {
    await follower.close();
  }
}

class Follower {
  readonly #options: FollowOptions;
  readonly #clients = new Map<Side, QmpClient<Commands, Events>>();
  readonly #running = new Map<Side, boolean>();
  #timeline = emptyTimeline();
  #status: string | undefined;
  #begun = false;
  #heardAt = 0;
  /** The source reports no statuses, and is asked for them. */
  #asks = false;
  #gone = false;

  constructor(options: FollowOptions) {
    this.#options = options;
  }

  get timeline(): Timeline {
    return this.#timeline;
  }

  async attach(): Promise<void> {
    const { source, destination } = this.#options;
    await this.#attach('source', source);
    if (destination !== undefined) await this.#attach('destination', destination);
    const status = (await this.#source.execute('query-migrate')).status;
    this.#status = status;
    this.#begun = status !== undefined && status !== 'none' && !ENDED.has(status);
    if (this.#begun) this.#startOver();
    else this.#options.onWaiting();
  }

  async follow(): Promise<void> {
    const { clock, signal } = this.#options;
    while (!signal.aborted && !this.#gone && !(this.#begun && ENDED.has(this.#status ?? ''))) {
      await delay(clock, POLL_MS);
      if (this.#asks && !this.#gone) await this.#askStatus();
    }
    const latest = clock.now() + LATEST_MS;
    while (!signal.aborted && clock.now() < latest && !this.#settled) await delay(clock, POLL_MS);
  }

  /** What the source says of the migration; undefined where it does not answer any more. */
  async info(): Promise<MigrationInfo | undefined> {
    if (this.#gone) return undefined;
    try {
      return await this.#source.execute('query-migrate');
    } catch {
      return undefined;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  get #source(): QmpClient<Commands, Events> {
    const client = this.#clients.get('source');
    if (client === undefined) throw new Error('the source is not attached');
    return client;
  }

  async #attach(side: Side, address: string): Promise<void> {
    const { native, clock, signal } = this.#options;
    const client = await QmpClient.connect<Commands, Events>(address, {
      protocol: clientCodec(protocol),
      native,
      clock,
      signal,
    });
    this.#clients.set(side, client);
    for (const name of TIMELINE_EVENTS) {
      client.on(name, ({ data, timestamp }) => this.#apply(side, { event: name, data, timestamp }));
    }
    void client.closed.then(() => {
      if (side === 'source') this.#gone = true;
    });
    this.#running.set(side, (await client.execute('query-status')).running);
    const reports = await reportStatuses(client);
    if (side === 'source') this.#asks = !reports;
  }

  #apply(side: Side, event: TimedEvent): void {
    if (event.event === 'STOP' || event.event === 'RESUME') this.#running.set(side, event.event === 'RESUME');
    const status = side === 'source' ? statusOf(event) : undefined;
    if (status === 'setup') this.#startOver();
    this.#timeline = applyEvent(this.#timeline, side, event);
    if (status !== undefined) this.#status = status;
    this.#heardAt = this.#options.clock.now();
    if (this.#begun) this.#options.onEvent(side, event);
  }

  /** What was reported before a migration is no part of it. */
  #startOver(): void {
    this.#begun = true;
    this.#timeline = emptyTimeline({ sourceStopped: this.#running.get('source') === false });
  }

  async #askStatus(): Promise<void> {
    const status = (await this.info())?.status;
    if (status === undefined || status === this.#status || status === 'none') return;
    const microseconds = this.#options.clock.wallMicroseconds();
    const timestamp = { seconds: Math.floor(microseconds / 1e6), microseconds: microseconds % 1e6 };
    if (!this.#begun) this.#startOver();
    this.#apply('source', { event: 'MIGRATION', data: { status }, timestamp });
  }

  /** Nothing more is to come: the destination has had its say, and nothing was heard for a while. */
  get #settled(): boolean {
    if (this.#options.clock.now() - this.#heardAt < QUIET_MS) return false;
    if (this.#status !== 'completed' || !this.#clients.has('destination')) return true;
    const { migration } = this.#timeline.destination;
    return migration.length === 0 || ENDED.has(migration.at(-1)!.value);
  }
}

/** Has a machine send MIGRATION events. False where it does not: it has no such thing, or it is too late. */
async function reportStatuses(client: QmpClient<Commands, Events>): Promise<boolean> {
  try {
    const capabilities = await client.execute('query-migrate-capabilities');
    if (capabilities.some(({ capability, state }) => capability === 'events' && state)) return true;
    await client.execute('migrate-set-capabilities', {
      capabilities: [{ capability: 'events', state: true }],
    });
    return true;
  } catch {
    return false;
  }
}

function statusOf({ event, data }: TimedEvent): string | undefined {
  if (event !== 'MIGRATION') return undefined;
  return (data as { readonly status?: string } | undefined)?.status;
}
