import type { Clock } from '@godwit/clock';
import { MigrationError } from './errors.js';
import { IncomingMigration } from './incoming/incoming-migration.js';
import { OutgoingMigration } from './outgoing/outgoing-migration.js';
import { defaultParameters } from './parameters.js';
import type { Channel, MachineControl, MachinePort } from './ports.js';
import type { PageDigestAlgorithm } from './ram/page-digests.js';
import type { MigrationTimeouts } from './timeouts.js';

export interface SnapshotOptions {
  /** Its guest is stopped, and stays so: the caller stops it before, and starts it afterwards if it ran. */
  readonly machine: MachinePort;
  readonly clock: Clock;
  readonly pageDigests: PageDigestAlgorithm;
  readonly timeouts: MigrationTimeouts;
}

/** A snapshot leaves the guest where it is: nothing stops, nobody hands over. */
function stayingControl(control: MachineControl): MachineControl {
  return {
    runState: control.runState,
    running: false,
    stopForSwitchover: async () => {},
    resumeAfterFailure: async () => {},
    handOver: () => {},
    takeOver: async () => {},
    loadedWithoutGo: () => {},
  };
}

function staying(machine: MachinePort, channel: Channel, ram = machine.ram): MachinePort {
  if (machine.control.running) {
    channel.close();
    throw new MigrationError('a snapshot needs a stopped guest');
  }
  return {
    ram,
    dirtyLog: machine.dirtyLog,
    devices: () => machine.devices(),
    sections: () => machine.sections(),
    configuration: () => machine.configuration(),
    control: stayingControl(machine.control),
  };
}

/** Writes the state of a stopped machine to a one-way channel, in the format of a migration, and closes it. Rejects when it cannot. */
export async function saveSnapshot(options: SnapshotOptions, channel: Channel): Promise<void> {
  const outgoing = new OutgoingMigration({
    ...options,
    machine: staying(options.machine, channel),
    parameters: { ...defaultParameters, 'max-bandwidth': 0 },
  });
  if ((await outgoing.start(channel)) !== 'completed') throw outgoing.error;
}

/**
 * Loads what {@link saveSnapshot} wrote into a stopped machine, over what it has. Rejects when it cannot; what the machine
 * has is then partly overwritten, and it must not run on.
 */
export async function loadSnapshot(options: SnapshotOptions, channel: Channel): Promise<void> {
  const { size, pageSize, segments } = options.machine.ram;
  const incoming = new IncomingMigration({
    ...options,
    machine: staying(options.machine, channel, { size, pageSize, segments, fresh: false }),
  });
  if ((await incoming.start(channel)) !== 'completed') throw incoming.error;
}
