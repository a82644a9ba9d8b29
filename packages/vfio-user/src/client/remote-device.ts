import {
  DeviceState,
  type DmaLogging,
  type DmaRange,
  flagsOfBits,
  isPreCopy,
  isSaving,
  type MigratableDevice,
  type MigrationFlags,
  type PrecopyInfo,
  type ReadResult,
  VfioError,
} from '@godwit/vfio';
import { DisconnectedError, ProtocolError } from '../protocol/errors.js';
import {
  FEATURE_DATA_SIZE,
  FEATURE_DEVICE_STATE,
  FEATURE_LOGGING_REPORT,
  FEATURE_LOGGING_START,
  FEATURE_MIGRATION,
  Feature,
  LOGGING_RANGE,
  NO_DATA_FD,
} from '../protocol/messages.js';
import type { VfioUserClient } from './client.js';
import { bitmapBytes, markDirtyPages } from './dirty-pages.js';

export interface RemoteDeviceOptions {
  /** The device was reset, and what its user had set up is gone. */
  afterReset?(): Promise<void>;
}

/** A device behind a vfio-user server, as any migratable device. When the server is gone its state is ERROR. */
export class RemoteDevice implements MigratableDevice {
  readonly flags: MigrationFlags;
  readonly dmaLogging: DmaLogging;
  readonly #client: VfioUserClient;
  readonly #reportsSize: boolean;
  readonly #options: RemoteDeviceOptions;
  #state: DeviceState;
  /** Bytes of the saving stream that were read, and whether it has run dry once. */
  #read = 0;
  #firstPassDone = false;
  /** What the stream had the last time it was read through; the estimate where the server has none. */
  #lastTotal = 0;

  private constructor(
    client: VfioUserClient,
    flags: MigrationFlags,
    state: DeviceState,
    features: { readonly reportsSize: boolean; readonly logsDma: boolean },
    options: RemoteDeviceOptions,
  ) {
    this.#client = client;
    this.#options = options;
    this.flags = flags;
    this.#state = state;
    this.#reportsSize = features.reportsSize;
    this.dmaLogging = new RemoteDmaLogging(client, features.logsDma);
  }

  /** The device of a connected client. EOPNOTSUPP: it does not migrate. */
  static async of(client: VfioUserClient, options: RemoteDeviceOptions = {}): Promise<RemoteDevice> {
    if (!(await client.hasFeature(Feature.MIGRATION, 'get'))) {
      throw new VfioError('EOPNOTSUPP', 'the vfio-user server does not support migration');
    }
    const bits = FEATURE_MIGRATION.read(
      await client.getFeature(Feature.MIGRATION, FEATURE_MIGRATION.size),
    ).flags;
    const state = await readState(client);
    const reportsSize = await client.hasFeature(Feature.MIG_DATA_SIZE, 'get');
    const logsDma = await client.hasFeature(Feature.DMA_LOGGING_START, 'set');
    return new RemoteDevice(client, flagsOfBits(bits), state, { reportsSize, logsDma }, options);
  }

  get state(): DeviceState {
    return this.#client.closed ? DeviceState.ERROR : this.#state;
  }

  async setState(wanted: DeviceState): Promise<void> {
    const before = this.state;
    try {
      const data = FEATURE_DEVICE_STATE.encode({ state: wanted, dataFd: NO_DATA_FD });
      await this.#client.setFeature(Feature.MIG_DEVICE_STATE, data);
      this.#state = wanted;
    } catch (error) {
      if (!this.#client.closed) this.#state = await readState(this.#client).catch(() => DeviceState.ERROR);
      throw asVfioError(error);
    } finally {
      if (!isSaving(before)) {
        this.#read = 0;
        this.#firstPassDone = false;
      }
    }
  }

  async readData(into: Uint8Array): Promise<ReadResult> {
    if (!isSaving(this.state)) throw new VfioError('EINVAL', 'no saving stream is open');
    const length = await guarded(this.#client.readMigrationData(into));
    this.#read += length;
    if (length > 0) return { kind: 'data', length };
    this.#firstPassDone = true;
    this.#lastTotal = this.#read;
    return { kind: isPreCopy(this.state) ? 'empty' : 'end' };
  }

  async writeData(from: Uint8Array): Promise<void> {
    if (this.state !== DeviceState.RESUMING) throw new VfioError('EINVAL', 'no resuming stream is open');
    await guarded(this.#client.writeMigrationData(from));
  }

  /**
   * An estimate: the protocol has no message for it. Until the stream has run dry for the first time, all that is left
   * counts as initial bytes; after that, as dirty ones.
   */
  async precopyInfo(): Promise<PrecopyInfo> {
    if (!isPreCopy(this.state)) throw new VfioError('EINVAL', 'not in a pre-copy state');
    const size = await this.dataSize();
    return this.#firstPassDone
      ? { initialBytes: 0, dirtyBytes: size, reinit: false }
      : { initialBytes: Math.max(1, size), dirtyBytes: 0, reinit: false };
  }

  /** Where the server does not know, what the stream had before. */
  async dataSize(): Promise<number> {
    if (!this.#reportsSize) return Math.max(0, this.#lastTotal - this.#read);
    const data = await guarded(this.#client.getFeature(Feature.MIG_DATA_SIZE, FEATURE_DATA_SIZE.size));
    return FEATURE_DATA_SIZE.read(data).stopCopyLength;
  }

  async reset(): Promise<void> {
    try {
      await this.#client.reset();
    } catch (error) {
      // libvfio-user refuses a reset, with EINVAL, while the device is stopped; the way back to running is open then.
      const refused = error instanceof VfioError && error.code === 'EINVAL';
      if (!refused || this.state === DeviceState.RUNNING) throw asVfioError(error);
      await this.setState(DeviceState.RUNNING);
      await guarded(this.#client.reset());
    }
    this.#state = await guarded(readState(this.#client));
    await this.#options.afterReset?.();
  }

  close(): void {
    this.#client.close();
  }
}

/** What the server wrote to mapped memory is asked for, range by range; what it wrote by messages is known here. */
class RemoteDmaLogging implements DmaLogging {
  readonly supported: boolean;
  readonly #client: VfioUserClient;
  #pageSize = 0;

  constructor(client: VfioUserClient, supported: boolean) {
    this.#client = client;
    this.supported = supported;
  }

  get active(): boolean {
    return this.#pageSize !== 0 && !this.#client.closed;
  }

  async start(ranges: readonly DmaRange[], pageSize: number): Promise<void> {
    const head = { pageSize, ranges: ranges.length, reserved: 0 };
    const data = [FEATURE_LOGGING_START.encode(head), ...ranges.map((range) => LOGGING_RANGE.encode(range))];
    // Writes by messages are logged here, so here first: none may fall between.
    const { logger } = this.#client.memory;
    await logger.start(ranges, pageSize);
    try {
      await guarded(this.#client.setFeature(Feature.DMA_LOGGING_START, Buffer.concat(data)));
    } catch (error) {
      await logger.stop();
      throw error;
    }
    this.#pageSize = pageSize;
  }

  async stop(): Promise<void> {
    if (this.#pageSize === 0) return;
    const data = FEATURE_LOGGING_START.encode({ pageSize: this.#pageSize, ranges: 0, reserved: 0 });
    this.#pageSize = 0;
    await this.#client.memory.logger.stop();
    if (!this.#client.closed) await guarded(this.#client.setFeature(Feature.DMA_LOGGING_STOP, data));
  }

  async report(iova: number, length: number, pageSize: number, bitmap: Uint32Array): Promise<void> {
    const { memory } = this.#client;
    // libvfio-user reports whole DMA ranges only, so what is asked here is put together from those.
    for (const { address, bytes } of memory.ranges) {
      if (address < iova + length && iova < address + bytes.length)
        await this.#collect(address, bytes.length);
    }
    await memory.logger.report(iova, length, pageSize, bitmap);
  }

  /** Takes over what the server reports of a range. */
  async #collect(iova: number, length: number): Promise<void> {
    const pageSize = this.#pageSize;
    const bytes = bitmapBytes(length, pageSize);
    const size = FEATURE_LOGGING_REPORT.size + bytes;
    const request = FEATURE_LOGGING_REPORT.encode({ iova, length, pageSize });
    const data = await guarded(this.#client.getFeature(Feature.DMA_LOGGING_REPORT, size, request));
    if (data.length !== size)
      throw new VfioError('EIO', `a bitmap of ${bytes} bytes comes with ${data.length}`);
    markDirtyPages(this.#client.memory.logger, iova, pageSize, data.subarray(FEATURE_LOGGING_REPORT.size));
  }
}

async function readState(client: VfioUserClient): Promise<DeviceState> {
  const data = await client.getFeature(Feature.MIG_DEVICE_STATE, FEATURE_DEVICE_STATE.size);
  const { state } = FEATURE_DEVICE_STATE.read(data);
  const known = Object.values(DeviceState).find((each) => each === state);
  if (known === undefined) throw new ProtocolError(`the server's device is in state ${state}`);
  return known;
}

async function guarded<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw asVfioError(error);
  }
}

/** The contract of a device knows only VfioErrors: a server that is gone or talks nonsense is EIO. */
function asVfioError(error: unknown): unknown {
  if (error instanceof DisconnectedError || error instanceof ProtocolError) {
    return new VfioError('EIO', `the vfio-user server failed: ${error.message}`, { cause: error });
  }
  return error;
}
