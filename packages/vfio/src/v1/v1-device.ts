import type { MigratableDevice, PrecopyInfo, ReadResult } from '../device.js';
import { VfioError } from '../error.js';
import type { MigrationFlags } from '../flags.js';
import { DeviceState, stateName } from '../states.js';
import { arcName, isPreCopy, pathTo } from '../transitions.js';
import { V1DmaLogging } from './dirty-pages.js';
import { FrameReader, FrameType } from './frames.js';
import type { MigrationRegion } from './region.js';
import { RegionUser } from './region-user.js';
import { EXACTLY, SavingReader } from './saving-reader.js';
import { V1_NEXT_STATES, V1State } from './states.js';

export interface V1DeviceOptions {
  /** Whether the device has anything to give in MIGRATION_PRECOPY. Default: yes. */
  readonly preCopy?: boolean;
  /** The device's reset, which is not part of the region (VFIO_DEVICE_RESET). */
  reset(): Promise<void>;
  /** What user space itself saves of a device and restores before its data, such as PCI configuration space. */
  readonly config?: DeviceConfig;
}

export interface DeviceConfig {
  /** Bytes that {@link save} returns at most. */
  readonly maxSize: number;
  save(): Uint8Array;
  /** Throws where the bytes make no sense. */
  load(bytes: Uint8Array): void;
}

const NO_CONFIG: DeviceConfig = { maxSize: 0, save: () => new Uint8Array(0), load: () => {} };

const V = V1State;

/** While the driver tracks which pages the device writes. */
const TRACKING: readonly V1State[] = [V.MIGRATION_SETUP, V.MIGRATION_PRECOPY, V.MIGRATION_STOPNCOPY];

/**
 * A device behind a 2018 migration region, driven as if it were a v2 device. What is asked of it becomes these writes of device_state:
 *
 * | arc | device_state |
 * |---|---|
 * | running -> pre-copy | MIGRATION_SETUP (unless tracking began before), MIGRATION_PRECOPY |
 * | pre-copy -> stop-copy | MIGRATION_STOPNCOPY |
 * | stop -> stop-copy | MIGRATION_SETUP, MIGRATION_STOPNCOPY |
 * | stop-copy -> stop | MIGRATION_SAVE_COMPLETED once all data was read, else MIGRATION_CANCELLED, after an error MIGRATION_FAILED |
 * | pre-copy -> running | MIGRATION_CANCELLED, after an error MIGRATION_FAILED; RUNNING |
 * | stop -> resuming | MIGRATION_RESUME |
 * | resuming -> stop | MIGRATION_RESUME_COMPLETED |
 * | stop -> running | RUNNING |
 * | running -> stop | NONE, the only state besides RUNNING that is not part of a migration; MIGRATION_STOPNCOPY while pages are tracked |
 *
 * `precopy_only` are the initial bytes, `compatible` the dirty ones; a `precopy_only` that grows is a device that started over
 * (REINIT). `dataSize` is the sum of all three.
 */
export class V1Device implements MigratableDevice {
  readonly flags: MigrationFlags;
  readonly dmaLogging: V1DmaLogging;
  readonly #user: RegionUser;
  readonly #options: V1DeviceOptions;
  readonly #config: DeviceConfig;
  #state: DeviceState = DeviceState.RUNNING;
  #moving = false;
  #closed = false;
  #saving: SavingReader | undefined;
  #resuming: FrameReader | undefined;
  #loaded: Uint8Array = new Uint8Array(0);
  /** What went wrong with the open data stream. */
  #streamError: VfioError | undefined;

  /** Takes over a device that runs. EINVAL where the region cannot be a migration region. */
  constructor(region: MigrationRegion, options: V1DeviceOptions) {
    this.flags = { p2p: false, preCopy: options.preCopy ?? true };
    const user = new RegionUser(region, V.RUNNING);
    this.#user = user;
    this.#options = options;
    this.#config = options.config ?? NO_CONFIG;
    this.dmaLogging = new V1DmaLogging(this.#user, {
      beginTracking: () => this.#beginTracking(),
      endTracking: () => this.#endTracking(),
      get isTracking() {
        return TRACKING.includes(user.state);
      },
    });
  }

  /** Takes over a device in whatever state its region says, and runs it. */
  static async open(region: MigrationRegion, options: V1DeviceOptions): Promise<V1Device> {
    const device = new V1Device(region, options);
    await device.#user.askState();
    await device.#go(V.RUNNING);
    return device;
  }

  get state(): DeviceState {
    return this.#state;
  }

  async setState(wanted: DeviceState): Promise<void> {
    this.#checkAlive();
    if (this.#moving) throw new VfioError('EBUSY', 'the device is already on the way to another state');
    const path = pathTo(this.#state, wanted, this.flags);
    this.#moving = true;
    try {
      for (const next of path) await this.#walk(next);
    } finally {
      this.#moving = false;
    }
  }

  async readData(into: Uint8Array): Promise<ReadResult> {
    this.#checkAlive();
    const saving = this.#saving;
    if (saving === undefined) throw this.#noData('read');
    if (into.length === 0) throw new VfioError('EINVAL', 'data cannot be read into an empty buffer');
    return this.#onStream(() => saving.read(into));
  }

  async writeData(from: Uint8Array): Promise<void> {
    this.#checkAlive();
    const resuming = this.#resuming;
    if (resuming === undefined) throw this.#noData('written');
    await this.#onStream(() => resuming.write(from));
  }

  async precopyInfo(): Promise<PrecopyInfo> {
    this.#checkAlive();
    if (!isPreCopy(this.#state) || this.#saving === undefined) {
      throw new VfioError('EINVAL', `no pre-copy information in state ${stateName(this.#state)}`);
    }
    return this.#saving.precopyInfo();
  }

  async dataSize(): Promise<number> {
    this.#checkAlive();
    const { precopyOnly, compatible, postcopyOnly } = await this.#user.pending(EXACTLY);
    return precopyOnly + compatible + postcopyOnly + (this.#saving?.buffered ?? 0);
  }

  async reset(): Promise<void> {
    this.#checkAlive();
    await this.#options.reset();
    this.#dropStreams();
    try {
      await this.#go(V.RUNNING);
    } catch {
      // The driver was not where it said; from MIGRATION_FAILED it can be run wherever in a migration it was.
      await this.#user.setState(V.MIGRATION_FAILED);
      await this.#user.setState(V.RUNNING);
    }
    this.#state = DeviceState.RUNNING;
  }

  close(): void {
    this.#closed = true;
    this.#dropStreams();
  }

  async #walk(to: DeviceState): Promise<void> {
    const from = this.#state;
    try {
      await this.#move(from, to);
    } catch (error) {
      if (this.#state !== DeviceState.ERROR && this.#user.state === V.MIGRATION_FAILED) {
        this.#dropStreams();
        this.#state = DeviceState.ERROR;
      }
      const reason = error instanceof Error ? error.message : String(error);
      const code = error instanceof VfioError ? error.code : 'EIO';
      throw new VfioError(code, `the transition ${arcName(from, to)} failed: ${reason}`, { cause: error });
    }
    this.#state = to;
  }

  async #move(from: DeviceState, to: DeviceState): Promise<void> {
    switch (to) {
      case DeviceState.PRE_COPY:
        await this.#setUp();
        await this.#go(V.MIGRATION_PRECOPY);
        this.#openSaving();
        return;
      case DeviceState.STOP_COPY:
        if (from !== DeviceState.PRE_COPY) {
          if (this.#user.state !== V.MIGRATION_STOPNCOPY) await this.#setUp();
          this.#openSaving();
        }
        await this.#go(V.MIGRATION_STOPNCOPY);
        this.#saving?.stop(this.#config.save());
        return;
      case DeviceState.RESUMING:
        await this.#go(V.MIGRATION_RESUME);
        this.#openResuming();
        return;
      case DeviceState.RUNNING:
        await this.#go(V.RUNNING);
        this.#dropStreams();
        if (this.dmaLogging.active) await this.#setUp();
        return;
      case DeviceState.STOP:
        if (from === DeviceState.RESUMING) await this.#endResuming();
        else if (from === DeviceState.STOP_COPY) await this.#endSaving();
        else await this.#go(this.#isTracking ? V.MIGRATION_STOPNCOPY : V.NONE);
        return;
    }
  }

  /** Writes device_state, after CANCELLED or FAILED where a migration that is under way has to end first. */
  async #go(wanted: V1State): Promise<void> {
    const from = this.#user.state;
    if (from !== wanted && !V1_NEXT_STATES[from].includes(wanted)) await this.#user.setState(this.#ending());
    await this.#user.setState(wanted);
    if (TRACKING.includes(from) && !TRACKING.includes(wanted)) this.dmaLogging.interrupted();
  }

  /** How a migration ends that does not get to its end. */
  #ending(): V1State {
    return this.#streamError === undefined ? V.MIGRATION_CANCELLED : V.MIGRATION_FAILED;
  }

  async #setUp(): Promise<void> {
    if (!this.#isTracking) await this.#go(V.MIGRATION_SETUP);
  }

  /** MIGRATION_SETUP was written ahead of a migration, so that the driver tracks what the running device writes. */
  get #isTracking(): boolean {
    return this.#user.state === V.MIGRATION_SETUP;
  }

  #openSaving(): void {
    this.#saving = new SavingReader(this.#user);
    this.#streamError = undefined;
  }

  #openResuming(): void {
    this.#loaded = new Uint8Array(this.#config.maxSize);
    this.#streamError = undefined;
    this.#resuming = new FrameReader({
      maxData: this.#user.writeWindow.size,
      maxConfig: this.#config.maxSize,
      part: async (type, at, bytes) => {
        if (type === FrameType.CONFIG) this.#loaded.set(bytes, at);
        else await this.#user.writeData(this.#user.writeWindow.offset + at, bytes);
      },
      complete: async (type, length) => {
        if (type === FrameType.CONFIG) this.#config.load(this.#loaded.slice(0, length));
        else if (type === FrameType.DATA) await this.#user.setBuffer(length);
      },
    });
  }

  async #endSaving(): Promise<void> {
    await this.#go(this.#saving?.ended === true ? V.MIGRATION_SAVE_COMPLETED : this.#ending());
    this.#dropStreams();
  }

  async #endResuming(): Promise<void> {
    try {
      if (this.#streamError !== undefined) throw this.#streamError;
      if (this.#resuming?.ended !== true) {
        throw new VfioError(
          'EINVAL',
          `device stream rejected after ${this.#resuming?.received ?? 0} bytes: truncated`,
        );
      }
      await this.#go(V.MIGRATION_RESUME_COMPLETED);
    } catch (error) {
      // Half a state is in the device: only a reset helps.
      await this.#go(V.MIGRATION_FAILED).catch(() => {});
      this.#state = DeviceState.ERROR;
      throw error;
    } finally {
      this.#dropStreams();
    }
  }

  async #beginTracking(): Promise<void> {
    if (this.#state === DeviceState.RUNNING) await this.#setUp();
  }

  async #endTracking(): Promise<void> {
    if (this.#isTracking) await this.#go(V.RUNNING);
  }

  async #onStream<T>(access: () => Promise<T>): Promise<T> {
    if (this.#streamError !== undefined) throw this.#streamError;
    try {
      return await access();
    } catch (error) {
      this.#streamError =
        error instanceof VfioError ? error : new VfioError('EIO', (error as Error).message, { cause: error });
      throw this.#streamError;
    }
  }

  #dropStreams(): void {
    this.#saving = undefined;
    this.#resuming = undefined;
    this.#streamError = undefined;
  }

  #noData(what: string): VfioError {
    return new VfioError('EINVAL', `no data can be ${what} in state ${stateName(this.#state)}`);
  }

  #checkAlive(): void {
    if (this.#closed) throw new VfioError('ENODEV', 'the device is closed');
  }
}
