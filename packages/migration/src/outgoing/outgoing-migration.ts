import { describeConfiguration } from '../configuration.js';
import { asError, CancelledError, MigrationError } from '../errors.js';
import type { MigrationParameters } from '../parameters.js';
import type { Channel } from '../ports.js';
import { RamSender } from '../ram/sender.js';
import type { MigrationOutcome, MigrationStatus } from '../status.js';
import { recordTypes } from '../stream/records.js';
import { Connection } from './connection.js';
import type { OpenChannel, OutgoingOptions } from './options.js';
import { Pace } from './pace.js';
import { PreCopy } from './pre-copy.js';
import { SourceDevices } from './source-devices.js';
import type { OutgoingStatistics } from './statistics.js';
import { Switchover } from './switchover.js';
import { Throttle } from './throttle.js';
import { Timeline } from './timeline.js';

/** The source's side of one migration. */
export class OutgoingMigration {
  readonly #options: OutgoingOptions;
  readonly #connection: Connection;
  readonly #ram: RamSender;
  readonly #devices: SourceDevices;
  readonly #pace: Pace;
  readonly #throttle: Throttle;
  #status: MigrationStatus = 'none';
  #error: Error | undefined;
  #timeline: Timeline;
  #preCopy: PreCopy | undefined;
  /** The guest was stopped for it, and has to be resumed if the migration fails. */
  #switchover: Switchover | undefined;
  /** The guest belongs to the destination. */
  #committed = false;

  constructor(options: OutgoingOptions) {
    const { clock, machine, parameters, pageDigests, timeouts } = options;
    this.#options = options;
    // A destination that takes nothing must not keep the guest stopped for ever, nor a migration from beginning. While
    // the guest runs it may take its time: the migration can be cancelled.
    const writeLimit = () =>
      this.#status === 'active' && this.#switchover === undefined ? 0 : timeouts.stall;
    this.#connection = new Connection(clock, timeouts, writeLimit);
    this.#ram = new RamSender(machine.ram, pageDigests, options.detectZeroPages);
    this.#devices = new SourceDevices(machine.devices(), this.#connection.interruption);
    this.#pace = new Pace(clock, parameters);
    this.#throttle = new Throttle(machine.dirtyLog, parameters, options.autoConverge === true);
    this.#timeline = new Timeline(clock.now());
  }

  get status(): MigrationStatus {
    return this.#status;
  }

  /** Why it failed; also, after it completed, why the destination may not have started. */
  get error(): Error | undefined {
    return this.#error;
  }

  /** Runs the migration to its end. Never rejects; {@link error} says what went wrong. */
  async start(channel: Channel | OpenChannel): Promise<MigrationOutcome> {
    if (this.#status !== 'none') throw new Error('a migration can be started once');
    const { machine, pageDigests, switchoverAck } = this.#options;
    this.#timeline = new Timeline(this.#options.clock.now());
    this.#setStatus('setup');
    try {
      await this.#connection.open(channel, () =>
        describeConfiguration(machine, pageDigests.name, switchoverAck === true),
      );
      await this.#setUp();
      await this.#send();
      await this.#handOver();
      return 'completed';
    } catch (error) {
      return await this.#giveUp(asError(error));
    }
  }

  /** Ends the migration; the guest stays here. Without effect once the destination has everything. */
  cancel(): void {
    const { returnPath, interruption } = this.#connection;
    if (this.#committed || returnPath?.loadedReceived || interruption.reason !== undefined) return;
    if (this.#status === 'none' || this.#timeline.endedAt !== undefined) return;
    this.#setStatus('cancelling');
    this.#connection.break(new CancelledError('the migration was cancelled'));
  }

  /** Goes on from `pre-switchover`. Throws {@link MigrationError} in any other state. */
  continue(): void {
    if (this.#status !== 'pre-switchover') {
      throw new MigrationError(`Migration not in expected state: ${this.#status}`);
    }
    this.#switchover?.continue();
  }

  /** New parameters for the migration under way. */
  setParameters(parameters: MigrationParameters): void {
    this.#pace.parameters = parameters;
    this.#throttle.parameters = parameters;
  }

  get statistics(): OutgoingStatistics {
    const ram = this.#ram;
    const timeline = this.#timeline;
    const { pageSize } = ram.layout;
    const { downtime } = timeline;
    const throughput = this.#meanThroughput ?? this.#pace.throughput;
    const downtimeBytes = this.#switchover?.ramBytes ?? 0;
    return {
      status: this.#status,
      ...(this.#error === undefined ? {} : { error: this.#error.message }),
      startedAt: timeline.startedAt,
      totalTime: this.#status === 'none' ? 0 : timeline.totalTime(this.#options.clock.now()),
      setupTime: timeline.setupTime,
      ...(downtime === undefined ? {} : { downtime }),
      expectedDowntime: ((ram.remaining + this.#devices.pending) / this.#pace.switchoverBandwidth) * 1000,
      ram: {
        transferred: ram.transferred,
        remaining: ram.remaining,
        total: ram.layout.bytes,
        duplicate: ram.zeroPages,
        normal: ram.normalPages,
        normalBytes: ram.normalPages * pageSize,
        dirtyPagesRate: Math.round((this.#preCopy?.dirtyRate ?? 0) / pageSize),
        mbps: (throughput * 8) / 1e6,
        dirtySyncCount: ram.rounds,
        pageSize,
        pagesPerSecond: Math.round(throughput / pageSize),
        precopyBytes: ram.transferred - downtimeBytes,
        downtimeBytes,
      },
      vfio: { transferred: this.#devices.bytes },
      devices: this.#devices.statistics(timeline.startedAt),
      converging: this.#preCopy?.converging ?? true,
      cpuThrottlePercentage: this.#throttle.percentage,
    };
  }

  /** Bytes per second over the whole of a migration that has completed, as QEMU reports it then. */
  get #meanThroughput(): number | undefined {
    const { endedAt, activeAt } = this.#timeline;
    if (this.#status !== 'completed' || endedAt === undefined || activeAt === undefined) return undefined;
    return (this.#connection.bytes / Math.max(1, endedAt - activeAt)) * 1000;
  }

  async #setUp(): Promise<void> {
    this.#options.machine.dirtyLog.start();
    await this.#devices.startLogging(this.#ram.layout);
    await this.#devices.setUp();
    this.#timeline.activeAt = this.#options.clock.now();
  }

  async #send(): Promise<void> {
    const parts = {
      options: this.#options,
      connection: this.#connection,
      ram: this.#ram,
      devices: this.#devices,
      pace: this.#pace,
      throttle: this.#throttle,
      setStatus: (status: MigrationStatus) => this.#setStatus(status),
    };
    this.#preCopy = new PreCopy(parts);
    this.#setStatus('active');
    await this.#preCopy.run();
    this.#timeline.stoppedAt = this.#options.clock.now();
    this.#switchover = new Switchover(parts);
    await this.#switchover.run();
  }

  async #handOver(): Promise<void> {
    const waitsForGo = await this.#connection.delivered();
    this.#committed = true;
    this.#throttle.release();
    this.#options.machine.control.handOver();
    try {
      if (waitsForGo) await this.#connection.writer.write({ type: recordTypes.GO });
    } catch (error) {
      // Whether GO arrived is not known, so the guest must not run here again.
      this.#error = new MigrationError(
        `the destination has the guest, but may not have been told to start it: ${asError(error).message}`,
      );
    }
    this.#timeline.handedOverAt = this.#options.clock.now();
    this.#end('completed');
    this.#connection.close();
    await this.#devices.settle((device) => device.release());
  }

  async #giveUp(error: Error): Promise<'failed' | 'cancelled'> {
    const { control, dirtyLog } = this.#options.machine;
    const reason = await this.#connection.reasonFor(error);
    const cancelled = reason instanceof CancelledError;
    this.#connection.break(reason);
    await this.#connection.ended();
    dirtyLog.stop();
    await this.#devices.settle(({ entry }) => entry.device.dmaLogging.stop());
    this.#throttle.release();
    const stopped = this.#switchover !== undefined;
    if (cancelled) {
      // As in QEMU: a guest that was stopped runs again before "cancelled" is reported.
      if (stopped) await control.resumeAfterFailure();
      this.#end('cancelled');
    } else {
      this.#error = reason;
      this.#end('failed');
      if (stopped) await control.resumeAfterFailure();
    }
    await this.#devices.settle((device) => device.rollBack());
    return cancelled ? 'cancelled' : 'failed';
  }

  #end(outcome: MigrationOutcome): void {
    this.#timeline.endedAt = this.#options.clock.now();
    this.#setStatus(outcome);
  }

  #setStatus(status: MigrationStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }
}
