import type { Bus } from '../memory/bus.js';

/** Ports as a vCPU reaches them: an access is done when the call returns. Device windows are reached by programs. */
export interface GuestPorts {
  read(port: number, into: Uint8Array): void;
  write(port: number, from: Uint8Array): void;
}

/** The ports of a bus for a vCPU on the bus's own thread. */
export function portsOf(bus: Bus): GuestPorts {
  return {
    read: (port, into) => void bus.access('read', 'port', port, into),
    write: (port, from) => void bus.access('write', 'port', port, from),
  };
}

export function readByte(ports: GuestPorts, port: number): number {
  const byte = new Uint8Array(1);
  ports.read(port, byte);
  return byte[0]!;
}

export function writeByte(ports: GuestPorts, port: number, value: number): void {
  ports.write(port, Uint8Array.of(value));
}
