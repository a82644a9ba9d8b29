import { randomFillSync } from 'node:crypto';
import { type Clock, SystemClock } from '@godwit/clock';
import { DeviceController, type DeviceEntry } from '../src/index.js';
import { BulkDevice } from './bulk-device.js';
import { BenchMachine } from './machine.js';

/** What a run moves; both processes build the same machine from it. */
export interface Scenario {
  readonly name: string;
  readonly ramBytes: number;
  readonly contents: 'random' | 'zero';
  /** Bytes of state of one device; 0 for none. */
  readonly deviceBytes: number;
  /** Additional channels (multifd); 0 for none. */
  readonly channels: number;
  /** The destination takes pages out of the source's memory by itself, as it does on the same host. */
  readonly sharesRam: boolean;
}

export function buildMachine(scenario: Scenario, side: 'source' | 'destination'): BenchMachine {
  const clock = new SystemClock();
  const devices = scenario.deviceBytes > 0 ? [device(scenario.deviceBytes, clock)] : [];
  const machine = new BenchMachine(scenario.ramBytes, side === 'source' ? 'paused' : 'inmigrate', devices);
  if (side === 'source') {
    for (const { bytes } of machine.ram.segments) fill(bytes, scenario.contents);
  }
  return machine;
}

function fill(bytes: Uint8Array, contents: Scenario['contents']): void {
  if (contents === 'zero') return;
  const block = randomFillSync(Buffer.allocUnsafe(16 << 20));
  for (let offset = 0; offset < bytes.length; offset += block.length) {
    block.writeDoubleLE(Math.random(), 0);
    bytes.set(block.subarray(0, Math.min(block.length, bytes.length - offset)), offset);
  }
}

function device(bytes: number, clock: Clock): DeviceEntry {
  const bulk = new BulkDevice(bytes);
  return {
    id: 'dev0',
    qomPath: '/machine/peripheral/dev0',
    name: 'dev0',
    compatible: 'bulk',
    device: bulk,
    controller: new DeviceController(bulk, clock, { onState: () => {} }),
  };
}
