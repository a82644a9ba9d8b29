import type { MigratableDevice } from '../device.js';
import { type ErrnoName, VfioError } from '../error.js';
import type { MigrationFlags } from '../flags.js';
import { offersState } from '../flags.js';
import { DEVICE_STATES, DeviceState, stateName } from '../states.js';
import { callOf, NarratedDevice } from './narrated-device.js';
import { type CheckOptions, NoDevice, Unprepared, Violation } from './rule.js';

const DEFAULT_MAX_STREAM = 2 ** 32;
const CHUNK = 256 * 1024;
/** What a device does wrong that says "nothing for now" where it has to say the end. */
export const UNENDED = 'in stop-copy the stream pauses instead of ending';

/** One rule at work: makes devices one after the other and closes them, brings them into states, moves streams. */
export class Trial {
  readonly flags: MigrationFlags;
  readonly options: CheckOptions;
  readonly #factory: () => MigratableDevice | Promise<MigratableDevice>;
  #present: NarratedDevice | undefined;
  readonly #maxStream: number;

  constructor(
    factory: () => MigratableDevice | Promise<MigratableDevice>,
    flags: MigrationFlags,
    options: CheckOptions,
  ) {
    this.#factory = factory;
    this.flags = flags;
    this.options = options;
    this.#maxStream = options.maxStream ?? DEFAULT_MAX_STREAM;
  }

  /** A fresh device, in RUNNING. It closes the one before: a device behind a socket may be the only one. */
  async device(): Promise<MigratableDevice> {
    this.#present?.close();
    const device = new NarratedDevice(await this.#make());
    this.#present = device;
    expectState(device, DeviceState.RUNNING, 'a fresh device');
    return device;
  }

  async #make(): Promise<MigratableDevice> {
    try {
      return await this.#factory();
    } catch (error) {
      // What this rule did to the device before it is why there is no other.
      if (error instanceof NoDevice && this.#present !== undefined) throw new Violation(error.message);
      throw error;
    }
  }

  close(): void {
    this.#present?.close();
  }

  /** What the device was asked and has not answered. */
  get pending(): string | undefined {
    return this.#present?.pending;
  }

  /** The states that the device offers, in the order of their numbers. */
  get states(): DeviceState[] {
    return DEVICE_STATES.filter((state) => offersState(this.flags, state));
  }

  async run(ms: number): Promise<void> {
    await this.options.run?.(ms);
  }

  /** A fresh device in that state. */
  async deviceIn(state: DeviceState): Promise<MigratableDevice> {
    const device = await this.device();
    await prepare(() => device.setState(state));
    expectState(device, state, `after setState(${stateName(state)})`);
    return device;
  }

  /** Reads until there is nothing for now or the stream ends. */
  async read(
    device: MigratableDevice,
    chunk = CHUNK,
  ): Promise<{ chunks: Uint8Array[]; last: 'empty' | 'end' }> {
    const chunks: Uint8Array[] = [];
    const buffer = new Uint8Array(chunk);
    for (let total = 0; total <= this.#maxStream; ) {
      const result = await device.readData(buffer);
      if (result.kind !== 'data') return { chunks, last: result.kind };
      if (result.length <= 0 || result.length > buffer.length) {
        throw new Violation(`readData into ${buffer.length} bytes says that it read ${result.length}`);
      }
      chunks.push(buffer.slice(0, result.length));
      total += result.length;
    }
    throw new Violation(`the data stream goes on after ${this.#maxStream} bytes`);
  }

  /** The whole data of a device that is brought to STOP_COPY for it. */
  async saved(device: MigratableDevice): Promise<Uint8Array> {
    const { chunks, last } = await prepare(async () => {
      await device.setState(DeviceState.STOP_COPY);
      return this.read(device);
    });
    if (last !== 'end') throw new Unprepared(UNENDED);
    return new Uint8Array(Buffer.concat(chunks));
  }

  /** A valid stream of a fresh device. */
  async stream(): Promise<Uint8Array> {
    return this.saved(await this.device());
  }

  /** Writes a stream in pieces of `chunk` bytes. */
  async write(device: MigratableDevice, stream: Uint8Array, chunk = CHUNK): Promise<void> {
    for (let at = 0; at < stream.length; at += chunk) await device.writeData(stream.subarray(at, at + chunk));
  }

  /** A fresh device in RESUMING that was given a valid stream. */
  async loaded(): Promise<MigratableDevice> {
    const stream = await this.stream();
    const device = await this.deviceIn(DeviceState.RESUMING);
    await prepare(() => this.write(device, stream));
    return device;
  }

  /** A fresh device in that state which can leave it: one in RESUMING has data. */
  async movableDeviceIn(state: DeviceState): Promise<MigratableDevice> {
    return state === DeviceState.RESUMING ? this.loaded() : this.deviceIn(state);
  }

  /** Throws where the device reports errors of its own contents. */
  checkHealth(device: MigratableDevice): void {
    const inner = device instanceof NarratedDevice ? device.inner : device;
    const errors = this.options.errorsOf?.(inner) ?? 0;
    if (errors > 0) throw new Violation(`the device finds ${errors} errors in its own contents`);
  }
}

/** What leads up to a rule, and is none of its own. */
async function prepare<T>(steps: () => Promise<T>): Promise<T> {
  try {
    return await steps();
  } catch (error) {
    throw error instanceof Violation ? error : new Unprepared(tell(error), { cause: error });
  }
}

export function expectState(device: MigratableDevice, state: DeviceState, when: string): void {
  if (device.state !== state) {
    throw new Violation(`${when} the device is in ${stateName(device.state)} instead of ${stateName(state)}`);
  }
}

/** The attempt must be refused with that error. */
export async function expectRefusal(
  code: ErrnoName,
  what: string,
  attempt: () => Promise<unknown>,
): Promise<void> {
  let answer: unknown;
  try {
    answer = await attempt();
  } catch (error) {
    if (error instanceof VfioError && error.code === code) return;
    throw new Violation(`${what}: ${code} expected, but it failed with ${describe(error)}`);
  }
  const text = answer === undefined ? '' : ` (${JSON.stringify(answer)})`;
  throw new Violation(`${what}: ${code} expected, but it was accepted${text}`);
}

/** What went wrong, and in which call. */
export function tell(error: unknown): string {
  const call = callOf(error);
  return call === undefined ? describe(error) : `${call}: ${describe(error)}`;
}

/** What went wrong. */
export function describe(error: unknown): string {
  if (error instanceof VfioError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
