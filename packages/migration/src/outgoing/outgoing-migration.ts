import type { Clock } from '@godwit/clock';
import { BandwidthMeter, RateLimiter } from '../bandwidth.js';
import { waitForChannel, withBoundedWrites } from '../channel/interruptible-channel.js';
import { describeConfiguration, encodeConfiguration } from '../configuration.js';
import { DeviceSender } from '../device/sender.js';
import { asError, CancelledError, MigrationError } from '../errors.js';
import { Interruption } from '../interruption.js';
import type { MigrationParameters } from '../parameters.js';
import type { Channel, DeviceEntry, MachinePort } from '../ports.js';
import type { RamLayout } from '../ram/layout.js';
import type { PageDigestAlgorithm } from '../ram/page-digests.js';
import { type DirtySource, RamSender } from '../ram/sender.js';
import type { MigrationOutcome, MigrationStatus } from '../status.js';
import { recordTypes } from '../stream/records.js';
import { StreamWriter } from '../stream/writer.js';
import type { MigrationTimeouts } from '../timeouts.js';
import { Convergence } from './convergence.js';
import { ReturnPath } from './return-path.js';
import { encodeSection } from './section.js';
import type { OutgoingStatistics } from './statistics.js';

export interface OutgoingOptions {
  readonly machine: MachinePort;
  readonly clock: Clock;
  readonly parameters: MigrationParameters;
  readonly pageDigests: PageDigestAlgorithm;
  readonly timeouts: MigrationTimeouts;
  /** The guest stops, then waits for {@link OutgoingMigration.continue} in the state `pre-switchover`. */
  readonly pauseBeforeSwitchover?: boolean;
  /** The guest stops only after the destination has said that its devices have their initial bytes. */
  readonly switchoverAck?: boolean;
  /** Slow the vCPUs down where the guest writes faster than it is sent. */
  readonly autoConverge?: boolean;
  /** Send pages of zeros as such, without their contents. Default true. */
  readonly detectZeroPages?: boolean;
  onStatus?(status: MigrationStatus): void;
  /** Dirty pages were collected for the `pass`th time. */
  onPass?(pass: number): void;
}

/** Makes the connection to the destination; `signal` says that it is not wanted any more. */
export type OpenChannel = (signal: AbortSignal) => Promise<Channel>;

/** Nothing to send, yet too much left to stop the guest: look again after this long. */
const IDLE_MS = 10;
/** What is sent in smaller pieces (pages of zeros, markers) says nothing about how fast data goes. */
const MEASURED_BYTES = 64 << 10;
/** Counted on, in bytes per second, while nothing was measured and nothing limits it. */
const UNMEASURED_BANDWIDTH = 1 << 30;
/** A broken connection may still hold the destination's reason; wait this long for it. */
const REASON_MS = 200;

/** The source's side of one migration. */
export class OutgoingMigration {
  readonly #options: OutgoingOptions;
  readonly #machine: MachinePort;
  readonly #clock: Clock;
  readonly #interruption = new Interruption();
  readonly #abort = new AbortController();
  readonly #ram: RamSender;
  readonly #devices: readonly DeviceSender[];
  readonly #limiter: RateLimiter;
  #parameters: MigrationParameters;
  #status: MigrationStatus = 'none';
  #error: Error | undefined;
  #channel: Channel | undefined;
  #writer!: StreamWriter;
  #returnPath: ReturnPath | undefined;
  /** What is sent in all the time that passes, for the statistics. */
  readonly #throughput = new BandwidthMeter();
  /** What can be sent when there is something to send, for the switchover. */
  readonly #bandwidth = new BandwidthMeter();
  #convergence: Convergence;
  #continue: () => void = () => {};
  #throttle = 0;
  #startedAt = 0;
  #activeAt: number | undefined;
  #stoppedAt: number | undefined;
  #handedOverAt: number | undefined;
  #endedAt: number | undefined;
  #collectedAt = 0;
  #stoppedRamBytes = 0;
  /** The guest was stopped for the switchover, and has to be resumed if the migration fails. */
  #stopped = false;
  /** The guest belongs to the destination. */
  #committed = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
    this.#machine = options.machine;
    this.#clock = options.clock;
    this.#parameters = options.parameters;
    this.#ram = new RamSender(options.machine.ram, options.pageDigests, options.detectZeroPages);
    this.#devices = options.machine.devices().map((entry, number) => new DeviceSender(entry, number));
    this.#limiter = new RateLimiter(options.clock, options.parameters['max-bandwidth']);
    this.#convergence = new Convergence(options.clock.now());
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
    this.#startedAt = this.#clock.now();
    this.#setStatus('setup');
    try {
      this.#channel =
        typeof channel === 'function'
          ? await waitForChannel(this.#interruption, channel(this.#abort.signal))
          : channel;
      await this.#negotiate(this.#channel);
      await this.#setUp();
      this.#setStatus('active');
      await this.#iterate();
      await this.#switchOver();
      await this.#handOver();
      return 'completed';
    } catch (error) {
      return await this.#giveUp(asError(error));
    }
  }

  /** Ends the migration; the guest stays here. Without effect once the destination has everything. */
  cancel(): void {
    if (this.#committed || this.#returnPath?.loadedReceived || this.#interruption.reason !== undefined)
      return;
    if (this.#status === 'none' || this.#endedAt !== undefined) return;
    this.#setStatus('cancelling');
    this.#interruption.interrupt(new CancelledError('the migration was cancelled'));
    this.#abort.abort();
    this.#channel?.close();
  }

  /** Goes on from `pre-switchover`. Throws {@link MigrationError} in any other state. */
  continue(): void {
    if (this.#status !== 'pre-switchover') {
      throw new MigrationError(`Migration not in expected state: ${this.#status}`);
    }
    this.#continue();
  }

  /** New parameters for the migration under way. */
  setParameters(parameters: MigrationParameters): void {
    this.#parameters = parameters;
    this.#limiter.limit = parameters['max-bandwidth'];
  }

  get statistics(): OutgoingStatistics {
    const ram = this.#ram;
    const now = this.#endedAt ?? this.#clock.now();
    const throughput = this.#meanThroughput ?? this.#throughput.bytesPerSecond ?? 0;
    const { pageSize } = ram.layout;
    const pending = ram.remaining + this.#devices.reduce((sum, device) => sum + device.pending.stopCopy, 0);
    return {
      status: this.#status,
      ...(this.#error === undefined ? {} : { error: this.#error.message }),
      startedAt: this.#startedAt,
      totalTime: this.#status === 'none' ? 0 : now - this.#startedAt,
      setupTime: this.#activeAt === undefined ? 0 : this.#activeAt - this.#startedAt,
      ...(this.#handedOverAt === undefined || this.#stoppedAt === undefined
        ? {}
        : { downtime: this.#handedOverAt - this.#stoppedAt }),
      expectedDowntime: (pending / this.#switchoverBandwidth()) * 1000,
      ram: {
        transferred: ram.transferred,
        remaining: ram.remaining,
        total: ram.layout.bytes,
        duplicate: ram.zeroPages,
        normal: ram.normalPages,
        normalBytes: ram.normalPages * pageSize,
        dirtyPagesRate: Math.round(this.#convergence.dirtyRate / pageSize),
        mbps: (throughput * 8) / 1e6,
        dirtySyncCount: ram.rounds,
        pageSize,
        pagesPerSecond: Math.round(throughput / pageSize),
        precopyBytes: ram.transferred - this.#stoppedRamBytes,
        downtimeBytes: this.#stoppedRamBytes,
      },
      vfio: { transferred: this.#devices.reduce((sum, { bytes }) => sum + bytes, 0) },
      devices: this.#devices.map((sender) => ({
        id: sender.entry.id,
        qomPath: sender.entry.qomPath,
        state: sender.entry.device.state,
        sent: sender.bytes,
        left: sender.pending,
        transitions: sender.entry.controller.transitionsSince(this.#startedAt),
        downtime: sender.downtime,
      })),
      converging: this.#convergence.converging,
      cpuThrottlePercentage: this.#throttle,
    };
  }

  /** Bytes per second over the whole of a migration that has completed, as QEMU reports it then. */
  get #meanThroughput(): number | undefined {
    if (this.#status !== 'completed' || this.#endedAt === undefined || this.#activeAt === undefined)
      return undefined;
    return (this.#writer.bytes / Math.max(1, this.#endedAt - this.#activeAt)) * 1000;
  }

  // --- setup ---------------------------------------------------------------------------------------------------------

  async #negotiate(channel: Channel): Promise<void> {
    const { timeouts, pageDigests, switchoverAck } = this.#options;
    this.#writer = new StreamWriter(this.#guard(channel));
    if (channel.oneWay !== true) this.#returnPath = new ReturnPath(channel, this.#interruption);
    await this.#writer.begin();
    const configuration = describeConfiguration(this.#machine, pageDigests.name, switchoverAck === true);
    const payload = encodeConfiguration(configuration);
    await this.#writer.write({ type: recordTypes.CONFIGURATION, payload });
    if (this.#returnPath === undefined) return;
    await this.#interruption.waitAtMost(
      this.#returnPath.accepted,
      this.#clock,
      timeouts.handshake,
      'the destination does not answer',
    );
  }

  async #setUp(): Promise<void> {
    const { layout } = this.#ram;
    const ranges = layout.segments.map(({ address, bytes }) => ({ iova: address, length: bytes.length }));
    this.#machine.dirtyLog.start();
    for (const device of this.#devices) {
      await this.#forDevice(device.entry, device.entry.device.dmaLogging.start(ranges, layout.pageSize));
    }
    for (const device of this.#devices) {
      await this.#forDevice(device.entry, device.setup());
      this.#interruption.throwIfInterrupted();
    }
    this.#activeAt = this.#clock.now();
    this.#convergence = new Convergence(this.#activeAt);
    this.#collectedAt = this.#activeAt;
  }

  // --- while the guest runs ------------------------------------------------------------------------------------------

  async #iterate(): Promise<void> {
    while (!(await this.#canSwitchOver())) {
      const before = this.#writer.bytes;
      const startedAt = this.#clock.now();
      await this.#send(() => this.#ram.send(this.#writer, this.#limiter.slice));
      for (const device of this.#devices) {
        await this.#forDevice(
          device.entry,
          this.#send(async () => {
            await device.iterate(this.#writer, this.#machine.control.running);
          }),
        );
      }
      if (this.#writer.bytes === before) await this.#interruption.sleep(this.#clock, IDLE_MS);
      this.#throughput.add(this.#writer.bytes - before, this.#clock.now() - startedAt);
      this.#interruption.throwIfInterrupted();
    }
  }

  /** Whether what is left fits into the downtime limit. Dirty pages are collected only when it looks as if it did. */
  async #canSwitchOver(): Promise<boolean> {
    if (!this.#machine.control.running) {
      // There is no downtime to be kept short: a stopped guest goes as soon as its RAM has gone.
      if (this.#ram.remaining > 0) return false;
      await this.#endRound();
      return this.#ram.remaining === 0;
    }
    const threshold = this.#threshold();
    const estimate = this.#ram.remaining + this.#devices.reduce((sum, device) => sum + device.estimate, 0);
    if (estimate > threshold) return false;
    // Not after every batch, where a device keeps what is left above the threshold.
    if (this.#ram.remaining > 0 && this.#clock.now() - this.#collectedAt < IDLE_MS) return false;
    await this.#endRound();
    let left = this.#ram.remaining;
    for (const device of this.#devices) {
      left += (await this.#forDevice(device.entry, device.measure())).stopCopy;
    }
    return left <= threshold && this.#acknowledged();
  }

  #threshold(): number {
    return (this.#switchoverBandwidth() * this.#parameters['downtime-limit']) / 1000;
  }

  /** Bytes per second to count on while the guest is stopped. */
  #switchoverBandwidth(): number {
    return (
      this.#parameters['avail-switchover-bandwidth'] ||
      this.#bandwidth.bytesPerSecond ||
      this.#parameters['max-bandwidth'] ||
      UNMEASURED_BANDWIDTH
    );
  }

  #acknowledged(): boolean {
    if (this.#options.switchoverAck !== true || this.#returnPath === undefined) return true;
    if (!this.#machine.control.running || !this.#devices.some((device) => device.preCopy)) return true;
    const records = this.#devices.reduce((sum, device) => sum + device.initialSentRecords, 0);
    return this.#devices.every((device) => device.initialSent) && this.#returnPath.hasAcknowledged(records);
  }

  async #endRound(): Promise<void> {
    const pages = await this.#ram.collect(this.#dirtySources());
    const dirtied = pages * this.#ram.layout.pageSize;
    this.#collectedAt = this.#clock.now();
    if (this.#convergence.endRound(this.#collectedAt, dirtied, this.#ram.transferred)) this.#slowDown();
    this.#options.onPass?.(this.#ram.rounds);
    await this.#ram.sendRoundMark(this.#writer);
  }

  #slowDown(): void {
    const { dirtyLog } = this.#machine;
    if (this.#options.autoConverge !== true || dirtyLog.throttle === undefined) return;
    if (this.#convergence.dirtyPercentage < this.#parameters['throttle-trigger-threshold']) return;
    const next =
      this.#throttle === 0
        ? this.#parameters['cpu-throttle-initial']
        : this.#throttle + this.#parameters['cpu-throttle-increment'];
    this.#throttle = Math.min(next, this.#parameters['max-cpu-throttle']);
    dirtyLog.throttle(this.#throttle);
  }

  #dirtySources(): DirtySource[] {
    return [
      (into) => this.#machine.dirtyLog.collect(into),
      ...this.#devices.map(
        ({ entry }): DirtySource =>
          (into, layout) =>
            this.#forDevice(entry, collectDma(entry, into, layout)),
      ),
    ];
  }

  /** Sends, counts, and keeps to max-bandwidth. */
  async #send(send: () => Promise<void>): Promise<void> {
    const before = this.#writer.bytes;
    const startedAt = this.#clock.now();
    await send();
    const bytes = this.#writer.bytes - before;
    const pause = this.#limiter.delayAfter(bytes);
    if (pause > 0) await this.#interruption.sleep(this.#clock, pause);
    if (bytes >= MEASURED_BYTES) this.#bandwidth.add(bytes, this.#clock.now() - startedAt);
  }

  // --- while the guest is stopped ------------------------------------------------------------------------------------

  async #switchOver(): Promise<void> {
    const { control, dirtyLog } = this.#machine;
    const runState = control.runState;
    this.#stoppedAt = this.#clock.now();
    this.#stopped = true;
    const transitionsBefore = this.#devices.map(({ entry }) => entry.controller.transitions.at(-1));
    await control.stopForSwitchover();
    this.#devices.forEach((device, index) => {
      const { transitions } = device.entry.controller;
      const known = transitions.lastIndexOf(transitionsBefore[index]!);
      for (const { durationMs } of transitions.slice(known + 1)) device.downtime += durationMs;
    });
    this.#interruption.throwIfInterrupted();
    if (this.#options.pauseBeforeSwitchover === true) await this.#waitForContinue();
    this.#setStatus('device');
    const ramBefore = this.#ram.transferred;
    await this.#ram.collect(this.#dirtySources());
    dirtyLog.stop();
    for (const { entry } of this.#devices) await this.#forDevice(entry, entry.device.dmaLogging.stop());
    while (this.#ram.remaining > 0) {
      await this.#ram.send(this.#writer);
      this.#stoppedRamBytes = this.#ram.transferred - ramBefore;
    }
    for (const device of this.#devices) {
      const startedAt = this.#clock.now();
      await this.#forDevice(device.entry, device.finish(this.#writer));
      device.downtime += this.#clock.now() - startedAt;
      this.#interruption.throwIfInterrupted();
    }
    for (const section of this.#machine.sections()) {
      await this.#writer.write({ type: recordTypes.SECTION, payload: encodeSection(section) });
    }
    await this.#ram.sendDigests(this.#writer);
    const end = Buffer.alloc(4 + Buffer.byteLength(runState));
    end.writeUInt32BE(this.#writer.records);
    end.write(runState, 4);
    await this.#writer.write({ type: recordTypes.END, payload: end });
  }

  async #waitForContinue(): Promise<void> {
    const continued = new Promise<void>((resolve) => {
      this.#continue = resolve;
    });
    this.#setStatus('pre-switchover');
    await this.#interruption.wait(continued);
  }

  async #handOver(): Promise<void> {
    const { timeouts } = this.#options;
    if (this.#returnPath === undefined) {
      await this.#interruption.wait(this.#channel?.finish?.() ?? Promise.resolve());
      this.#commit();
    } else {
      await this.#interruption.waitAtMost(
        this.#returnPath.loaded,
        this.#clock,
        timeouts.loaded,
        'the destination does not say that it has loaded everything',
      );
      this.#commit();
      try {
        await this.#writer.write({ type: recordTypes.GO });
      } catch (error) {
        // Whether GO arrived is not known, so the guest must not run here again.
        this.#error = new MigrationError(
          `the destination has the guest, but may not have been told to start it: ${asError(error).message}`,
        );
      }
    }
    this.#handedOverAt = this.#clock.now();
    this.#end('completed');
    this.#channel?.close();
    await this.#settleDevices((device) => device.release());
  }

  #commit(): void {
    this.#committed = true;
    this.#setThrottle(0);
    this.#machine.control.handOver();
  }

  // --- the way back --------------------------------------------------------------------------------------------------

  async #giveUp(error: Error): Promise<'failed' | 'cancelled'> {
    await this.#hearReason();
    const reason = this.#interruption.reason ?? error;
    const cancelled = reason instanceof CancelledError;
    this.#interruption.interrupt(reason);
    this.#abort.abort();
    this.#channel?.close();
    await this.#returnPath?.ended;
    this.#machine.dirtyLog.stop();
    await this.#settleDevices(({ entry }) => entry.device.dmaLogging.stop());
    this.#setThrottle(0);
    if (cancelled) {
      // As in QEMU: a guest that was stopped runs again before "cancelled" is reported.
      if (this.#stopped) await this.#machine.control.resumeAfterFailure();
      this.#end('cancelled');
    } else {
      this.#error = reason;
      this.#end('failed');
      if (this.#stopped) await this.#machine.control.resumeAfterFailure();
    }
    await this.#settleDevices((device) => device.rollBack());
    return cancelled ? 'cancelled' : 'failed';
  }

  /** Where writing failed first, the destination's own words may still be on their way. */
  async #hearReason(): Promise<void> {
    if (this.#returnPath === undefined || this.#interruption.reason !== undefined) return;
    try {
      await this.#interruption.waitAtMost(this.#returnPath.ended, this.#clock, REASON_MS, 'no reason came');
    } catch {
      // Either it came, and interrupted, or none will.
    }
  }

  async #settleDevices(settle: (device: DeviceSender) => Promise<void>): Promise<void> {
    for (const device of this.#devices) {
      try {
        await settle(device);
      } catch {
        // The controller has reset the device, which is all that can be done for it, and has reported that.
      }
    }
  }

  #setThrottle(percentage: number): void {
    if (this.#throttle === percentage) return;
    this.#throttle = percentage;
    this.#machine.dirtyLog.throttle?.(percentage);
  }

  #end(outcome: MigrationOutcome): void {
    this.#endedAt = this.#clock.now();
    this.#setStatus(outcome);
  }

  #setStatus(status: MigrationStatus): void {
    this.#status = status;
    this.#options.onStatus?.(status);
  }

  /** Says which device it was. */
  async #forDevice<T>(entry: DeviceEntry, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (cause) {
      if (cause instanceof MigrationError || cause === this.#interruption.reason) throw cause;
      throw new MigrationError(`device '${entry.name}': ${asError(cause).message}`, { cause });
    }
  }

  /**
   * A destination that takes nothing must not keep the guest stopped for ever, nor a migration from beginning. While the
   * guest runs it may take its time: the migration can be cancelled.
   */
  #guard(channel: Channel): Channel {
    return withBoundedWrites(
      channel,
      this.#interruption,
      this.#clock,
      () => (this.#status === 'active' && !this.#stopped ? 0 : this.#options.timeouts.stall),
      'the destination takes no more data',
    );
  }
}

async function collectDma({ device }: DeviceEntry, into: Uint32Array, layout: RamLayout): Promise<void> {
  for (const { address, bytes, firstPage, pages } of layout.segments) {
    const words = into.subarray(firstPage / 32, Math.ceil((firstPage + pages) / 32));
    await device.dmaLogging.report(address, bytes.length, layout.pageSize, words);
  }
}
