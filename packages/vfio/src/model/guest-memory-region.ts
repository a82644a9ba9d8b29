import type { DeviceRegion } from '../device.js';
import type { DeviceMemory } from './device-memory.js';

/** The guest's part of the device memory as a region that the guest reads and writes. */
export function guestMemoryRegion(name: string, memory: DeviceMemory): DeviceRegion {
  return {
    name,
    size: memory.guestSize,
    read: (offset, into) => memory.readGuest(offset, into),
    write: (offset, from) => memory.writeGuest(offset, from),
  };
}
