import type { Space } from '../memory/bus.js';

/** Ports and device windows as a vCPU reaches them: an access is done when the call returns. */
export interface GuestBus {
  read(space: Space, address: number, into: Uint8Array): void;
  write(space: Space, address: number, from: Uint8Array): void;
}

export function readByte(bus: GuestBus, port: number): number {
  const byte = new Uint8Array(1);
  bus.read('port', port, byte);
  return byte[0]!;
}

export function writeByte(bus: GuestBus, port: number, value: number): void {
  bus.write('port', port, Uint8Array.of(value));
}

/** A 32-bit little-endian device register. */
export function readRegister(bus: GuestBus, address: number): number {
  const bytes = new Uint8Array(4);
  bus.read('mmio', address, bytes);
  return new DataView(bytes.buffer).getUint32(0, true);
}

export function writeRegister(bus: GuestBus, address: number, value: number): void {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  bus.write('mmio', address, bytes);
}
