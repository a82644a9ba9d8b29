import type { StateSection } from '@godwit/migration';

/** Device slots whose registers a vCPU remembers; a machine with more devices than that leaves the rest unused. */
export const DEVICE_SLOTS = 32;

const COUNTERS = [
  /** Static pages written at power-on. */
  'filled',
  /** Pages of the working set written. */
  'steps',
  'checked',
  'lost',
  'torn',
  'repeated',
  /** Resets since RAM was created: after one, RAM holds what the guest before it left. */
  'resets',
  'deviceAccesses',
  'deviceFaults',
  'deviceInterrupts',
] as const;

export type Counter = (typeof COUNTERS)[number];

const INDEX = Object.fromEntries(COUNTERS.map((counter, index) => [counter, index])) as Record<
  Counter,
  number
>;

const NAMES: readonly string[] = [
  ...COUNTERS,
  ...Array.from({ length: DEVICE_SLOTS }, (_, slot) => `device${slot}`),
];

/**
 * The registers of one vCPU, in memory that its thread and the machine share: whole numbers below 2^53. They are all that
 * must travel for the guest to go on, and for a lost or repeated write to show.
 */
export class Registers {
  /** Posted to the vCPU thread. */
  readonly buffer: SharedArrayBuffer;
  readonly #values: Float64Array<SharedArrayBuffer>;

  constructor(buffer = new SharedArrayBuffer(NAMES.length * 8)) {
    this.buffer = buffer;
    this.#values = new Float64Array(buffer);
  }

  get(counter: Counter): number {
    return this.#values[INDEX[counter]]!;
  }

  add(counter: Counter, amount: number): void {
    this.#values[INDEX[counter]]! += amount;
  }

  /** What the vCPU last wrote to its register of the device in `slot`, plus 1; 0 before it ever did. */
  deviceMark(slot: number): number {
    return this.#values[COUNTERS.length + slot]!;
  }

  setDeviceMark(slot: number, mark: number): void {
    this.#values[COUNTERS.length + slot] = mark;
  }

  /** The state of power-on, but for the number of resets. */
  reset(): void {
    const resets = this.get('resets');
    this.#values.fill(0);
    this.add('resets', resets + 1);
  }

  /** Big-endian 64-bit numbers in the order of the table above. */
  section(name: string): StateSection {
    const values = this.#values;
    return {
      name,
      version: 1,
      save() {
        const state = new Uint8Array(NAMES.length * 8);
        const view = new DataView(state.buffer);
        values.forEach((value, index) => {
          view.setBigUint64(index * 8, BigInt(value));
        });
        return state;
      },
      load(state, version) {
        if (version !== 1) throw new Error(`${name}: version ${version} is not known`);
        if (state.length !== NAMES.length * 8) {
          throw new Error(`${name}: ${state.length} bytes instead of ${NAMES.length * 8}`);
        }
        const view = new DataView(state.buffer, state.byteOffset, state.length);
        const loaded = NAMES.map((register, index) => {
          const value = view.getBigUint64(index * 8);
          if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
            throw new Error(`${name}: register ${register} of ${value} is out of range`);
          }
          return Number(value);
        });
        values.set(loaded);
      },
    };
  }
}
