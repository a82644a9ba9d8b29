import { delay, SystemClock } from '@godwit/clock';
import {
  BLOCK_SIZE,
  checkDevice,
  checkRegion,
  createModel,
  type DmaMemory,
  type ModelledDevice,
  V1Model,
  VfioError,
} from '@godwit/vfio';
import type { Candidate } from './candidate.js';

/** The memory that checked devices write to, in bytes. */
const MEMORY_SIZE = 2 ** 20;

const DEFAULTS = {
  'state-size': 256 * 1024,
  'dirty-rate': '4M',
  'dma-rate': '4M',
  'dma-address': MEMORY_SIZE / 2,
  'dma-size': 16 * BLOCK_SIZE,
};

/** Devices that `MODEL,PROPERTY=VALUE,...` describes. Throws {@link PropertyError} where there are none such. */
export function modelCandidate(name: string, limitMs: number): Candidate {
  const [model = '', ...assignments] = name.split(',');
  const given = assignments.map((assignment): [string, string] => {
    const at = assignment.indexOf('=');
    return at < 0 ? [assignment, 'on'] : [assignment.slice(0, at), assignment.slice(at + 1)];
  });
  const properties = { ...DEFAULTS, ...Object.fromEntries(given) };
  const clock = new SystemClock();
  const environment = { clock, memory: new CheckMemory(), memorySize: MEMORY_SIZE, random: Math.random };
  const make = () => createModel(model, properties, environment);
  // Made once now, so that a mistake in the call is found before anything is checked.
  const sample = make();
  sample.close();
  const limit = { clock, ms: limitMs };
  return {
    name,
    async check() {
      const report = await checkDevice(make, {
        run: (ms) => delay(clock, ms),
        dmaRange: { iova: 0, length: MEMORY_SIZE },
        errorsOf: (device) => (device as ModelledDevice).verify().errors,
        limit,
      });
      if (!(sample instanceof V1Model)) return [{ name, report }];
      const { preCopy } = sample.flags;
      return [
        { name, report: await checkRegion(() => make() as V1Model, { preCopy, limit }) },
        { name, report },
      ];
    },
  };
}

class CheckMemory implements DmaMemory {
  readonly #bytes = new Uint8Array(MEMORY_SIZE);

  read(address: number, into: Uint8Array): void {
    this.#check(address, into.length);
    into.set(this.#bytes.subarray(address, address + into.length));
  }

  write(address: number, from: Uint8Array): void {
    this.#check(address, from.length);
    this.#bytes.set(from, address);
  }

  #check(address: number, length: number): void {
    if (address < 0 || address + length > MEMORY_SIZE) {
      throw new VfioError(
        'EFAULT',
        `[0x${address.toString(16)}, +${length}] is outside of the memory of the check`,
      );
    }
  }
}
