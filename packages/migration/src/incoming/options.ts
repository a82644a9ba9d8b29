import type { Clock } from '@godwit/clock';
import type { Channel, MachinePort } from '../ports.js';
import type { PageDigestAlgorithm } from '../ram/page-digests.js';
import type { RamSharing } from '../ram/sharing.js';
import type { MigrationStatus } from '../status.js';
import type { MigrationTimeouts } from '../timeouts.js';

export interface IncomingOptions {
  readonly machine: MachinePort;
  readonly clock: Clock;
  readonly pageDigests: PageDigestAlgorithm;
  readonly timeouts: MigrationTimeouts;
  /**
   * Keeps what has arrived when the connection breaks, where the source does too: the migration is then
   * `postcopy-paused`, and {@link IncomingMigration.recover} waits for the source on another connection.
   */
  readonly recovers?: boolean;
  /** How many additional channels are to come (multifd), as the source must say too; asked when it connects. Default 0. */
  multifdChannels?(): number;
  /** Takes pages out of the RAM of a source that shares it; its digests must be those of {@link pageDigests}. */
  readonly ramSharing?: RamSharing | undefined;
  onStatus?(status: MigrationStatus): void;
}

/** Waits for the next connection of the source. */
export type AcceptChannel = () => Promise<Channel>;
