import { describeConfiguration, type StreamConfiguration } from '../configuration.js';
import { asError, CancelledError, DisconnectedError, MigrationError } from '../errors.js';
import { Interruption } from '../interruption.js';
import type { MigrationParameters } from '../parameters.js';
import type { Channel } from '../ports.js';
import { RamSender } from '../ram/sender.js';
import { Reconnection } from '../reconnection.js';
import type { MigrationOutcome, MigrationStatus } from '../status.js';
import { recordTypes } from '../stream/records.js';
import { Connection } from './connection.js';
import { DirtyTracking } from './dirty-tracking.js';
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
  /** Ends the migration, whatever becomes of its connection. */
  readonly #interruption = new Interruption();
  readonly #reconnection = new Reconnection<OpenChannel>();
  readonly #ram: RamSender;
  readonly #devices: SourceDevices;
  readonly #tracking: DirtyTracking;
  readonly #pace: Pace;
  readonly #throttle: Throttle;
  #connection: Connection;
  #status: MigrationStatus = 'none';
  #error: Error | undefined;
  #timeline: Timeline;
  #preCopy: PreCopy | undefined;
  /** The guest was stopped for it, and has to be resumed if the migration fails. */
  #switchover: Switchover | undefined;
  /** The guest belongs to the destination. */
  #committed = false;
  /** It did not work out, and the guest is being taken back. */
  #givingUp = false;
  /** Bytes that went over connections that broke, those of additional channels, and those of RAM among them that went while the guest was stopped. */
  #earlierBytes = 0;
  #earlierMultifdBytes = 0;
  #earlierDowntimeBytes = 0;

  constructor(options: OutgoingOptions) {
    const { clock, machine, parameters, pageDigests } = options;
    this.#options = options;
    this.#connection = this.#newConnection();
    this.#ram = new RamSender(machine.ram, pageDigests, options.detectZeroPages);
    if (options.recoverAs !== undefined) this.#ram.keepDeliveries();
    this.#devices = new SourceDevices(
      machine.devices(),
      this.#connection.interruption,
      clock,
      options.timeouts.device,
    );
    this.#tracking = new DirtyTracking(machine.dirtyLog, this.#devices, this.#ram, (pass) =>
      options.onPass?.(pass),
    );
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
    this.#timeline = new Timeline(this.#options.clock.now());
    this.#setStatus('setup');
    try {
      await this.#connection.connect(channel);
      await this.#introduce(this.#connection, false);
      await this.#sendAll();
      await this.#handOver();
      return 'completed';
    } catch (error) {
      return await this.#giveUp(asError(error));
    }
  }

  /** Ends the migration; the guest stays here. Without effect once the destination has everything. */
  cancel(): void {
    if (this.#status === 'none' || this.#interruption.reason !== undefined || this.#givingUp) return;
    if (this.#committed || this.#connection.returnPath?.loadedReceived) return;
    const reason = new CancelledError('the migration was cancelled');
    this.#setStatus('cancelling');
    this.#interruption.interrupt(reason);
    this.#connection.break(reason);
  }

  /**
   * Breaks the connection of a migration that can do without, which is then `postcopy-paused`. Returns false, without
   * effect, where there is none that could be broken so.
   */
  pause(): boolean {
    const recovering = this.#status === 'postcopy-recover-setup' || this.#status === 'postcopy-recover';
    if (!recovering && (!this.#outlivesConnection || this.#status === 'setup')) return false;
    this.#connection.break(new DisconnectedError('the connection was broken on purpose'));
    return true;
  }

  /** Goes on over another connection. Returns false where the migration is not `postcopy-paused`. */
  resume(open: OpenChannel): boolean {
    if (this.#status !== 'postcopy-paused') return false;
    this.#setStatus('postcopy-recover-setup');
    this.#reconnection.give(open);
    return true;
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
    // As in QEMU: of a migration that has completed, what it was on the whole.
    const seconds = this.#sendingSeconds;
    const bytesSent = this.#earlierBytes + this.#connection.bytes;
    const throughput = seconds === undefined ? this.#pace.throughput : bytesSent / seconds;
    const pagesPerSecond = seconds === undefined ? this.#pace.pagesPerSecond : ram.pages / seconds;
    const downtimeBytes = this.#earlierDowntimeBytes + (this.#switchover?.ramBytes ?? 0);
    return {
      status: this.#status,
      ...(this.#error === undefined ? {} : { error: this.#error.message }),
      startedAt: timeline.startedAt,
      totalTime: this.#status === 'none' ? 0 : timeline.totalTime(this.#options.clock.now()),
      setupTime: timeline.setupTime,
      ...(downtime === undefined ? {} : { downtime }),
      expectedDowntime: ((ram.remaining + this.#devices.pending) / this.#pace.switchoverBandwidth) * 1000,
      sent: bytesSent,
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
        pagesPerSecond: Math.round(pagesPerSecond),
        precopyBytes: ram.transferred - downtimeBytes,
        downtimeBytes,
        multifdBytes: this.#earlierMultifdBytes + (this.#connection.multifd?.bytes ?? 0),
      },
      vfio: { transferred: this.#devices.bytes },
      devices: this.#devices.statistics(timeline.startedAt),
      converging: this.#preCopy?.converging ?? true,
      cpuThrottlePercentage: this.#throttle.percentage,
    };
  }

  /** For how long there was something to send it over, once the migration has completed. */
  get #sendingSeconds(): number | undefined {
    const { sendingTime } = this.#timeline;
    if (this.#status !== 'completed' || sendingTime === undefined) return undefined;
    return Math.max(1, sendingTime) / 1000;
  }

  /** Sends everything, over as many connections as it takes. */
  async #sendAll(): Promise<void> {
    for (;;) {
      try {
        await this.#tracking.start();
        await this.#devices.setUp();
        return await this.#send();
      } catch (error) {
        await this.#outlive(asError(error));
      }
      await this.#reconnect();
    }
  }

  async #send(): Promise<void> {
    const parts = {
      options: this.#options,
      connection: this.#connection,
      ram: this.#ram,
      tracking: this.#tracking,
      devices: this.#devices,
      pace: this.#pace,
      throttle: this.#throttle,
      setStatus: (status: MigrationStatus) => this.#setStatus(status),
    };
    if (this.#timeline.activeAt === undefined) this.#timeline.activeAt = this.#options.clock.now();
    // What the guest wrote while there was no connection says nothing about how fast it writes.
    else await this.#tracking.collect(false);
    this.#timeline.resume(this.#options.clock.now());
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

  // --- when the connection breaks ------------------------------------------------------------------------------------

  /** Whether the migration goes on when the present connection breaks. */
  get #outlivesConnection(): boolean {
    const { arrivedRecords, interruption } = this.#connection;
    return (
      arrivedRecords !== undefined && interruption.reason === undefined && this.#switchover?.ending !== true
    );
  }

  /** The guest runs on here, and the migration stays. Throws what ends it where that is not to be. */
  async #outlive(error: Error): Promise<void> {
    const connection = this.#connection;
    const reason = await connection.reasonFor(error);
    this.#interruption.throwIfInterrupted();
    const broken = reason instanceof DisconnectedError && connection.arrivedRecords !== undefined;
    if (!broken || this.#switchover?.ending === true) throw reason;
    connection.break(reason);
    await connection.ended();
    this.#throttle.release();
    if (this.#switchover !== undefined) {
      this.#earlierDowntimeBytes += this.#switchover.ramBytes;
      // Before the guest writes again.
      await this.#tracking.start();
      await this.#options.machine.control.resumeAfterFailure();
      this.#switchover = undefined;
    }
    await this.#devices.settle((device) => device.rollBack());
    this.#pauseFor(reason);
  }

  async #reconnect(): Promise<void> {
    for (;;) {
      const open = await this.#reconnection.wait(this.#interruption);
      this.#earlierBytes += this.#connection.bytes;
      this.#earlierMultifdBytes += this.#connection.multifd?.bytes ?? 0;
      const connection = this.#newConnection();
      this.#connection = connection;
      try {
        await connection.connect(open);
        this.#setStatus('postcopy-recover');
        await this.#introduce(connection, true);
        if (connection.arrivedRecords === undefined) {
          throw new MigrationError('the destination does not say what has arrived there');
        }
        this.#ram.resume(connection.arrivedRecords);
        this.#devices.startOver(connection.interruption);
        this.#error = undefined;
        return;
      } catch (error) {
        const reason = await connection.reasonFor(asError(error));
        connection.break(reason);
        await connection.ended();
        this.#pauseFor(reason);
      }
    }
  }

  #pauseFor(reason: Error): void {
    this.#interruption.throwIfInterrupted();
    this.#error = reason;
    this.#timeline.pause(this.#options.clock.now());
    this.#setStatus('postcopy-paused');
  }

  #newConnection(): Connection {
    const { clock, timeouts } = this.#options;
    // A destination that takes nothing must not keep the guest stopped for ever, nor a migration from beginning. While
    // the guest runs it may take its time: the migration can be cancelled.
    const writeLimit = () =>
      this.#status === 'active' && this.#switchover === undefined ? 0 : timeouts.stall;
    return new Connection(clock, timeouts, writeLimit);
  }

  #introduce(connection: Connection, resumes: boolean): Promise<void> {
    const { machine, ramSharing } = this.#options;
    return connection.introduce(this.#configuration(resumes), () => ramSharing?.share(machine.ram));
  }

  #configuration(resumes: boolean): StreamConfiguration {
    const { machine, pageDigests, switchoverAck, multifd, recoverAs } = this.#options;
    const recovery = recoverAs === undefined ? undefined : { migration: recoverAs, resumes };
    return describeConfiguration(machine, pageDigests.name, {
      switchoverAck: switchoverAck === true,
      recovery,
      multifd,
    });
  }

  // --- the way back --------------------------------------------------------------------------------------------------

  async #giveUp(error: Error): Promise<'failed' | 'cancelled'> {
    const { control } = this.#options.machine;
    const connection = this.#connection;
    const heard = await connection.reasonFor(error);
    const reason = this.#interruption.reason ?? heard;
    this.#givingUp = true;
    const cancelled = reason instanceof CancelledError;
    connection.break(reason);
    await connection.ended();
    await this.#tracking.abandon();
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
