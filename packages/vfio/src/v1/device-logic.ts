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

  async pending(_thresholdSize: number): Promise<V1Pending> {
    const device = this.#device;
    if (isPreCopy(device.state)) {
      const { initialBytes, dirtyBytes } = await device.precopyInfo();
      const rest = (await device.dataSize()) - initialBytes - dirtyBytes;
      return { precopyOnly: initialBytes, compatible: dirtyBytes, postcopyOnly: Math.max(0, rest) };
    }
    return { precopyOnly: 0, compatible: 0, postcopyOnly: await device.dataSize() };
  }

  async fill(area: Uint8Array): Promise<number> {
    const result = await this.#device.readData(area);
    return result.kind === 'data' ? result.length : 0;
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

  /** As it was before the migration: a device that ran goes on, a stopped one stays stopped until RUNNING is written. */
  async #giveUp(): Promise<void> {
    const device = this.#device;
    const wasResuming = device.state === DeviceState.RESUMING;
    if (wasResuming) await device.reset();
    await device.setState(isRunning(device.state) && !wasResuming ? DeviceState.RUNNING : DeviceState.STOP);
    await device.dmaLogging.stop();
  }
}

function isRunning(state: DeviceState): boolean {
  return state === DeviceState.RUNNING || isPreCopy(state);
}
