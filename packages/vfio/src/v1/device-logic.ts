import type { MigratableDevice } from '../device.js';
import { VfioError } from '../error.js';
import { DeviceState } from '../states.js';
import { isPreCopy } from '../transitions.js';
import { V1_PAGE_SIZE } from './layout.js';
import { V1State } from './states.js';
import type { V1Logic, V1Pending } from './vendor-driver.js';

/** Where the memory of the guest ends if nobody says: as far as processors address. */
const MAX_RAM = 2 ** 52;

/** Any v2 device as the device behind a 2018 region. What a running device writes is tracked from MIGRATION_SETUP on. */
export class DeviceLogic implements V1Logic {
  readonly initialState = V1State.RUNNING;
  readonly #device: MigratableDevice;
  readonly #ramSize: number;
  /** What the device said last, less what was read since; undefined where it has to be asked. */
  #counted: V1Pending | undefined;

  /** @param ramSize bytes of guest memory, a multiple of 4096, beyond which a request for dirty pages is refused */
  constructor(device: MigratableDevice, ramSize: number = MAX_RAM) {
    this.#device = device;
    this.#ramSize = ramSize;
  }

  get isBroken(): boolean {
    return this.#device.state === DeviceState.ERROR;
  }

  async setState(wanted: V1State, _from: V1State): Promise<void> {
    const device = this.#device;
    this.#counted = undefined;
    switch (wanted) {
      case V1State.NONE:
        return device.setState(DeviceState.STOP);
      case V1State.RUNNING:
        await device.setState(DeviceState.RUNNING);
        return device.dmaLogging.stop();
      case V1State.MIGRATION_SETUP:
        if (device.dmaLogging.active) return;
        return device.dmaLogging.start([{ iova: 0, length: this.#ramSize }], V1_PAGE_SIZE);
      case V1State.MIGRATION_PRECOPY:
        return device.setState(DeviceState.PRE_COPY);
      case V1State.MIGRATION_STOPNCOPY:
        return device.setState(DeviceState.STOP_COPY);
      case V1State.MIGRATION_SAVE_COMPLETED:
        await device.setState(DeviceState.STOP);
        return device.dmaLogging.stop();
      case V1State.MIGRATION_RESUME:
        return device.setState(DeviceState.RESUMING);
      case V1State.MIGRATION_RESUME_COMPLETED:
        return device.setState(DeviceState.STOP);
      case V1State.MIGRATION_FAILED:
      case V1State.MIGRATION_CANCELLED:
        return this.#giveUp();
    }
  }

  /**
   * While more is left than user space takes at a time, it goes on reading whatever the count is, and what was counted
   * last will do; a device is asked only near the threshold, for that costs it more than a subtraction.
   */
  async pending(thresholdSize: number): Promise<V1Pending> {
    if (this.#counted === undefined || total(this.#counted) <= thresholdSize)
      this.#counted = await this.#count();
    return this.#counted;
  }

  async fill(area: Uint8Array): Promise<number> {
    const result = await this.#device.readData(area);
    const length = result.kind === 'data' ? result.length : 0;
    this.#counted = length === 0 || this.#counted === undefined ? undefined : without(this.#counted, length);
    return length;
  }

  take(data: Uint8Array): Promise<void> {
    return this.#device.writeData(data);
  }

  async dirtyPages(startAddress: number, pages: number, bitmap: Uint32Array): Promise<void> {
    const length = pages * V1_PAGE_SIZE;
    if (startAddress + length > this.#ramSize) {
      throw new VfioError(
        'EINVAL',
        `dirty_pfns.start_addr 0x${startAddress.toString(16)} and ${pages} pages are beyond ${this.#ramSize} bytes of RAM`,
      );
    }
    await this.#device.dmaLogging.report(startAddress, length, V1_PAGE_SIZE, bitmap);
  }

  async #count(): Promise<V1Pending> {
    const device = this.#device;
    if (!isPreCopy(device.state)) {
      return { precopyOnly: 0, compatible: 0, postcopyOnly: await device.dataSize() };
    }
    const { initialBytes, dirtyBytes } = await device.precopyInfo();
    const rest = (await device.dataSize()) - initialBytes - dirtyBytes;
    return { precopyOnly: initialBytes, compatible: dirtyBytes, postcopyOnly: Math.max(0, rest) };
  }

  /** As it was before the migration: a device that ran goes on, a stopped one stays stopped until RUNNING is written. */
  async #giveUp(): Promise<void> {
    const device = this.#device;
    const wasResuming = device.state === DeviceState.RESUMING;
    if (wasResuming) await device.reset();
    await device.setState(isRunning(device.state) && !wasResuming ? DeviceState.RUNNING : DeviceState.STOP);
    await device.dmaLogging.stop();
  }
}

function total({ precopyOnly, compatible, postcopyOnly }: V1Pending): number {
  return precopyOnly + compatible + postcopyOnly;
}

/** What is left of the counts when so many bytes were read, the first pass first. */
function without({ precopyOnly, compatible, postcopyOnly }: V1Pending, bytes: number): V1Pending {
  const fromFirst = Math.min(precopyOnly, bytes);
  const fromCompatible = Math.min(compatible, bytes - fromFirst);
  return {
    precopyOnly: precopyOnly - fromFirst,
    compatible: compatible - fromCompatible,
    postcopyOnly: Math.max(0, postcopyOnly - (bytes - fromFirst - fromCompatible)),
  };
}

function isRunning(state: DeviceState): boolean {
  return state === DeviceState.RUNNING || isPreCopy(state);
}
