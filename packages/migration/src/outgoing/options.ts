import type { Clock } from '@godwit/clock';
import type { MultifdConfiguration } from '../configuration.js';
import type { MigrationParameters } from '../parameters.js';
import type { Channel, MachinePort } from '../ports.js';
import type { PageDigestAlgorithm } from '../ram/page-digests.js';
import type { RamSharing } from '../ram/sharing.js';
import type { MigrationStatus } from '../status.js';
import type { MigrationTimeouts } from '../timeouts.js';

export interface OutgoingOptions {
  readonly machine: MachinePort;
  readonly clock: Clock;
  readonly parameters: MigrationParameters;
  readonly pageDigests: PageDigestAlgorithm;
  readonly timeouts: MigrationTimeouts;
  /** The guest stops, then waits for {@link OutgoingMigration.continue} in the state `pre-switchover`. */
  readonly pauseBeforeSwitchover?: boolean;
  /** The guest stops only after the destination has said that its devices have their initial bytes. */
  readonly switchoverAck?: boolean;
  /** Slow the vCPUs down where the guest writes faster than it is sent. */
  readonly autoConverge?: boolean;
  /** Send pages of zeros as such, without their contents. Default true. */
  readonly detectZeroPages?: boolean;
  /**
   * A name that no other migration has: where the destination agrees, the migration outlives its connection. It is then
   * `postcopy-paused`, the guest runs on here, and {@link OutgoingMigration.resume} goes on over another connection.
   */
  readonly recoverAs?: string;
  /** Send RAM, and what devices send while the guest is stopped, over additional channels. */
  readonly multifd?: MultifdConfiguration;
  /** Lets a destination on the same host take pages out of the RAM by itself, where the channel carries descriptors. */
  readonly ramSharing?: RamSharing | undefined;
  onStatus?(status: MigrationStatus): void;
  /** The guest writes as fast as it is sent, or does so no more. */
  onConverging?(converging: boolean): void;
  /** Dirty pages were collected for the `pass`th time. */
  onPass?(pass: number): void;
}

/** Makes a connection to the destination, one more with each call; `signal` says that it is not wanted any more. */
export type OpenChannel = (signal: AbortSignal) => Promise<Channel>;
