import { type DeviceState, type DmaLogging, type MigratableDevice, VfioError } from '@godwit/vfio';

/** A device behind a server, whose closing is not the end of it: `released` does what is to be done then. */
export class LentDevice implements MigratableDevice {
  readonly dmaLogging: DmaLogging;
  readonly #device: MigratableDevice;
  readonly #released: () => void;
  readonly #whyGone: () => Promise<string | undefined>;

  /** @param whyGone what is known of the end of the server; undefined where it has not ended */
  constructor(
    device: MigratableDevice,
    released: () => void = () => undefined,
    whyGone: () => Promise<string | undefined> = async () => undefined,
  ) {
    this.#device = device;
    this.dmaLogging = device.dmaLogging;
    this.#released = released;
    this.#whyGone = whyGone;
  }

  get flags() {
    return this.#device.flags;
  }

  get state() {
    return this.#device.state;
  }

  setState(wanted: DeviceState) {
    return this.#explained(this.#device.setState(wanted));
  }

  readData(into: Uint8Array) {
    return this.#explained(this.#device.readData(into));
  }

  writeData(from: Uint8Array) {
    return this.#explained(this.#device.writeData(from));
  }

  precopyInfo() {
    return this.#explained(this.#device.precopyInfo());
  }

  dataSize() {
    return this.#explained(this.#device.dataSize());
  }

  reset() {
    return this.#explained(this.#device.reset());
  }

  close(): void {
    this.#released();
  }

  /** Says of an EIO why the server is gone. */
  async #explained<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      const why = error instanceof VfioError && error.code === 'EIO' ? await this.#whyGone() : undefined;
      throw why === undefined ? error : new VfioError('EIO', why, { cause: error });
    }
  }
}
