import type { Clock } from '@godwit/clock';
import { RateLimiter, RateMeter } from '../bandwidth.js';
import type { MigrationParameters } from '../parameters.js';
import type { Connection } from './connection.js';

/** What is sent in smaller pieces (pages of zeros, markers) says nothing about how fast data goes. */
const MEASURED_BYTES = 64 << 10;
/**
 * Of the downtime limit, kept for stopping and loading the devices and for the last words of both sides, and for a
 * bandwidth that is a little less than it was.
 */
const RESERVED_SHARE = 0.2;
const MAX_RESERVE_MS = 50;
/** Counted on, in bytes per second, while nothing was measured and nothing limits it. */
const UNMEASURED_BANDWIDTH = 1 << 30;

/** How fast a migration sends, how fast it may, and what that allows for the downtime. Bytes and milliseconds. */
export class Pace {
  readonly #clock: Clock;
  readonly #limiter: RateLimiter;
  /** What is sent in all the time that passes, for the statistics. */
  readonly #throughput = new RateMeter();
  readonly #pages = new RateMeter();
  /** What can be sent when there is something to send, for the switchover. */
  readonly #bandwidth = new RateMeter();
  #parameters: MigrationParameters;

  constructor(clock: Clock, parameters: MigrationParameters) {
    this.#clock = clock;
    this.#parameters = parameters;
    this.#limiter = new RateLimiter(clock, parameters['max-bandwidth']);
  }

  set parameters(parameters: MigrationParameters) {
    this.#parameters = parameters;
    this.#limiter.limit = parameters['max-bandwidth'];
  }

  /** How many bytes may go out at a time. */
  get slice(): number {
    return this.#limiter.slice;
  }

  /** Bytes a second that were sent lately. */
  get throughput(): number {
    return this.#throughput.perSecond ?? 0;
  }

  /** Pages a second that were sent lately. */
  get pagesPerSecond(): number {
    return this.#pages.perSecond ?? 0;
  }

  /** Whether it is only guessed how long so many bytes take: nothing that could be measured was sent, but could be. */
  isGuess(bytes: number): boolean {
    const known = this.#parameters['avail-switchover-bandwidth'] || this.#bandwidth.perSecond;
    return !known && bytes >= MEASURED_BYTES && this.slice >= MEASURED_BYTES;
  }

  /** Bytes a second to count on while the guest is stopped. */
  get switchoverBandwidth(): number {
    return (
      this.#parameters['avail-switchover-bandwidth'] ||
      this.#bandwidth.perSecond ||
      this.#parameters['max-bandwidth'] ||
      UNMEASURED_BANDWIDTH
    );
  }

  /**
   * How many bytes can be sent within the downtime limit, and leave some of it for all that is not sending. Who tells the
   * bandwidth (avail-switchover-bandwidth) has seen to that already.
   */
  get threshold(): number {
    const limit = this.#parameters['downtime-limit'];
    const isTold = this.#parameters['avail-switchover-bandwidth'] > 0;
    const reserve = isTold ? 0 : Math.min(MAX_RESERVE_MS, limit * RESERVED_SHARE);
    return (this.switchoverBandwidth * (limit - reserve)) / 1000;
  }

  /** Sends, counts, and keeps to max-bandwidth. */
  async send(connection: Connection, send: () => Promise<unknown>): Promise<void> {
    const before = connection.bytes;
    const startedAt = this.#clock.now();
    await send();
    const bytes = connection.bytes - before;
    const pause = this.#limiter.delayAfter(bytes);
    if (pause > 0) await connection.interruption.sleep(this.#clock, pause);
    if (bytes >= MEASURED_BYTES) this.#bandwidth.add(bytes, this.#clock.now() - startedAt);
  }

  /** Counts what went out in some time, pauses included. */
  count(bytes: number, pages: number, elapsedMs: number): void {
    this.#throughput.add(bytes, elapsedMs);
    this.#pages.add(pages, elapsedMs);
  }
}
