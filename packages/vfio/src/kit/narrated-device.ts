import type { DmaLogging, DmaRange, MigratableDevice } from '../device.js';
import { type DeviceState, stateName } from '../states.js';

/** What a device was asked when it threw that. */
const callsByError = new WeakMap<object, string>();

/** The call that an error came from, such as `setState(stop) in resuming`; undefined for one that no device threw. */
export function callOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null ? callsByError.get(error) : undefined;
}

/** A device under check: it does as the one inside, and knows what it was asked, for messages about what goes wrong. */
export class NarratedDevice implements MigratableDevice {
  readonly inner: MigratableDevice;
  readonly dmaLogging: DmaLogging;
  #pending: string | undefined;

  constructor(inner: MigratableDevice) {
    this.inner = inner;
    const logging = inner.dmaLogging;
    this.dmaLogging = {
      get active() {
        return logging.active;
      },
      start: (ranges: readonly DmaRange[], pageSize) =>
        this.#call('dmaLogging.start', () => logging.start(ranges, pageSize)),
      stop: () => this.#call('dmaLogging.stop', () => logging.stop()),
      report: (iova, length, pageSize, bitmap) =>
        this.#call('dmaLogging.report', () => logging.report(iova, length, pageSize, bitmap)),
    };
  }

  /** The call that has not returned. */
  get pending(): string | undefined {
    return this.#pending;
  }

  get flags() {
    return this.inner.flags;
  }

  get state() {
    return this.inner.state;
  }

  setState(wanted: DeviceState) {
    return this.#call(`setState(${stateName(wanted)})`, () => this.inner.setState(wanted));
  }

  readData(into: Uint8Array) {
    return this.#call('readData', () => this.inner.readData(into));
  }

  writeData(from: Uint8Array) {
    return this.#call('writeData', () => this.inner.writeData(from));
  }

  precopyInfo() {
    return this.#call('precopyInfo', () => this.inner.precopyInfo());
  }

  dataSize() {
    return this.#call('dataSize', () => this.inner.dataSize());
  }

  reset() {
    return this.#call('reset', () => this.inner.reset());
  }

  close(): void {
    this.inner.close();
  }

  async #call<T>(what: string, answer: () => Promise<T>): Promise<T> {
    const call = `${what} in ${stateName(this.state)}`;
    this.#pending = call;
    try {
      return await answer();
    } catch (error) {
      if (typeof error === 'object' && error !== null) callsByError.set(error, call);
      throw error;
    } finally {
      this.#pending = undefined;
    }
  }
}
