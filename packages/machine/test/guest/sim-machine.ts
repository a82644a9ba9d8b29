import type { TestContext } from 'node:test';
import type { Clock } from '@godwit/clock';
import type { Native } from '@godwit/native';
import { createModel, type ModelledDevice } from '@godwit/vfio';
import { Sim, type SimOptions } from '../../src/guest/sim.js';
import { Bus } from '../../src/memory/bus.js';
import { DmaView } from '../../src/memory/dma-view.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { SERIAL_PORT, SERIAL_PORTS } from '../../src/serial/registers.js';
import { Serial16550 } from '../../src/serial/serial-16550.js';

export const MIB = 2 ** 20;
const REGISTER_WINDOW = 4096;

export interface SimMachine {
  readonly sim: Sim;
  readonly memory: GuestMemory;
  readonly bus: Bus;
  readonly device: ModelledDevice;
  /** What the guest wrote to the serial port. */
  serialOutput(): string;
  close(): Promise<void>;
}

/** As much of a machine as the guest needs: 4 MiB of RAM, a serial port and a small device. Closed when the test ends. */
export async function simMachine(
  context: TestContext,
  clock: Clock,
  options: Partial<SimOptions> & { native?: Native | undefined } = {},
): Promise<SimMachine> {
  const memory = new GuestMemory({ size: 4 * MIB, segmentBytes: MIB, native: options.native });
  const bus = new Bus();
  let output = '';
  const serial = new Serial16550({ transmit: (bytes) => (output += Buffer.from(bytes).toString('latin1')) });
  bus.attach('port', SERIAL_PORT, SERIAL_PORTS, serial, 'serial0');
  let sim: Sim | undefined;
  const address = bus.place(REGISTER_WINDOW);
  const device = createModel(
    'nic',
    { 'state-size': MIB, 'dma-rate': MIB },
    {
      clock,
      memory: new DmaView(memory),
      interrupt: () => sim?.interrupt(address),
      random: () => 0.5,
    },
  );
  const bar = device.regions[0]!;
  bus.attach('mmio', address, bar.size, bar, 'nic');
  const guest = new Sim({ memory, bus, clock, vcpus: 2, threads: false, ...options });
  sim = guest;
  guest.setDevices([{ address }]);
  const machine: SimMachine = {
    sim: guest,
    memory,
    bus,
    device,
    serialOutput: () => output,
    async close() {
      await guest.close();
      device.close();
      memory.close();
    },
  };
  context.after(() => machine.close());
  return machine;
}

/** What a migration does, in one go: RAM and vCPU state. Both sides are paused. */
export function move(from: SimMachine, to: SimMachine): void {
  from.memory.segments.forEach((segment, index) => {
    to.memory.segments[index]!.bytes.set(segment.bytes);
  });
  const sections = to.sim.sections();
  from.sim.sections().forEach((section, index) => {
    sections[index]!.load(section.save(), section.version);
  });
}
