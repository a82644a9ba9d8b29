import { VirtualClock } from '@godwit/clock';
import {
  createModel,
  DeviceState,
  type DmaMemory,
  type MigratableDevice,
  type ModelledDevice,
  type PropertyValue,
  VfioError,
} from '../src/index.js';

/** Numbers that look random and are the same each time. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

export class TestMemory implements DmaMemory {
  readonly bytes: Uint8Array;
  writes = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  read(address: number, into: Uint8Array): void {
    this.#check(address, into.length);
    into.set(this.bytes.subarray(address, address + into.length));
  }

  write(address: number, from: Uint8Array): void {
    this.#check(address, from.length);
    this.writes++;
    this.bytes.set(from, address);
  }

  #check(address: number, length: number): void {
    if (address < 0 || address + length > this.bytes.length) {
      throw new VfioError('EFAULT', `no memory at ${address}, +${length}`);
    }
  }
}

export interface Rig {
  readonly clock: VirtualClock;
  readonly memory: TestMemory;
  readonly device: ModelledDevice;
}

/** A device of 16 blocks unless said otherwise, on a clock and a memory of its own or those given. */
export function rig(
  model: string,
  properties: Record<string, PropertyValue> = {},
  shared: {
    clock?: VirtualClock;
    memory?: TestMemory;
    seed?: number;
    trace?: (line: string) => void;
    interrupt?: () => void;
  } = {},
): Rig {
  const clock = shared.clock ?? new VirtualClock();
  const memory = shared.memory ?? new TestMemory(1 << 20);
  const small: Record<string, PropertyValue> = { 'state-size': 16 * 4096 };
  if (properties.protocol === 'v1') small['region-size'] = 65536;
  if (model === 'gpu') small['aperture-size'] = 4096;
  if (model === 'block') small.capacity = 8192;
  const device = createModel(
    model,
    { ...small, ...properties },
    {
      clock,
      memory,
      memorySize: memory.bytes.length,
      random: seededRandom(shared.seed ?? 1),
      ...(shared.trace && { trace: shared.trace }),
      ...(shared.interrupt && { interrupt: shared.interrupt }),
    },
  );
  return { clock, memory, device };
}

/** Reads the saving stream until it has nothing for now, or ends. */
export async function drain(device: MigratableDevice, chunk = 65536): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(chunk);
  for (;;) {
    const result = await device.readData(buffer);
    if (result.kind !== 'data') return chunks;
    chunks.push(buffer.slice(0, result.length));
  }
}

/** The whole stream of a device that is stopped for it. */
export async function saved(device: MigratableDevice): Promise<Uint8Array> {
  await device.setState(DeviceState.STOP_COPY);
  return new Uint8Array(Buffer.concat(await drain(device)));
}

export function readRegister(device: ModelledDevice, offset: number): number {
  const bytes = new Uint8Array(4);
  device.regions[0]!.read(offset, bytes);
  return new DataView(bytes.buffer).getUint32(0, true);
}

export function writeRegister(device: ModelledDevice, offset: number, value: number): void {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  device.regions[0]!.write(offset, bytes);
}
