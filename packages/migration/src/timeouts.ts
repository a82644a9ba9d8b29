/** How long a migration waits for the other side, in milliseconds; 0 waits for ever. */
export interface MigrationTimeouts {
  /** For the destination's answer to the configuration, which includes putting its devices into RESUMING. */
  readonly handshake: number;
  /** For a single write to be taken while the guest is stopped. */
  readonly stall: number;
  /** From END until the destination has loaded and checked everything. */
  readonly loaded: number;
  /** For a source that was told FAILED to hang up. */
  readonly hangUp: number;
  /** For a call to a device to return when the migration is over; a device that takes longer is given up. */
  readonly device: number;
}

export const defaultTimeouts: MigrationTimeouts = {
  handshake: 30_000,
  stall: 30_000,
  loaded: 60_000,
  hangUp: 5_000,
  device: 10_000,
};
