import { native } from '@godwit/native';
import type {
  DeviceEntry,
  DirtyLog,
  GuestRam,
  MachineControl,
  MachinePort,
  StateSection,
} from '../src/index.js';

const SEGMENT_BYTES = 1 << 30;
const PAGE = 4096;

/** A machine of RAM and devices whose guest does nothing. */
export class BenchMachine implements MachinePort {
  readonly ram: GuestRam;
  readonly #devices: readonly DeviceEntry[];
  readonly dirtyLog: DirtyLog = { start: () => {}, stop: () => {}, collect: () => {} };
  readonly control: MachineControl;

  constructor(ramBytes: number, runState: string, devices: readonly DeviceEntry[] = []) {
    const descriptor = native?.memfdCreate('bench', ramBytes);
    const segments = [];
    for (let address = 0; address < ramBytes; address += SEGMENT_BYTES) {
      const length = Math.min(SEGMENT_BYTES, ramBytes - address);
      segments.push({ address, bytes: allocate(descriptor, address, length) });
    }
    this.ram = { size: ramBytes, pageSize: PAGE, segments, fresh: true, descriptor };
    this.#devices = devices;
    this.control = {
      runState,
      running: false,
      stopForSwitchover: async () => {},
      resumeAfterFailure: async () => {},
      handOver: () => {},
      takeOver: async () => {},
      loadedWithoutGo: () => {},
    };
  }

  /** Gives the RAM back, which no other run shall have to do without. */
  close(): void {
    const { descriptor, segments } = this.ram;
    if (native === undefined || descriptor === undefined) return;
    for (const { bytes } of segments) native.munmap(bytes.buffer as ArrayBuffer);
    native.close(descriptor);
  }

  devices(): readonly DeviceEntry[] {
    return this.#devices;
  }

  sections(): readonly StateSection[] {
    return [];
  }

  configuration(): Readonly<Record<string, string>> {
    return {};
  }
}

/**
 * As the machine does: a memfd where there is the addon, memory of the process otherwise. All of it is touched
 * (`prealloc=on`, as for the peer), so that what is measured is moving pages and not the kernel making them.
 */
function allocate(descriptor: number | undefined, offset: number, length: number): Uint8Array {
  const bytes =
    native === undefined || descriptor === undefined
      ? new Uint8Array(length)
      : new Uint8Array(native.mmap(descriptor, offset, length, true));
  for (let at = 0; at < length; at += PAGE) bytes[at] = 0;
  return bytes;
}
