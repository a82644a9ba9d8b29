/**
 * The states of a migration, by their names in QAPI (MigrationStatus). QEMU has the three of a broken connection for
 * postcopy only, hence the names; here the guest runs at the source in each of them.
 */
export const migrationStatuses = [
  'none',
  'setup',
  'active',
  'postcopy-paused',
  'postcopy-recover-setup',
  'postcopy-recover',
  'pre-switchover',
  'device',
  'cancelling',
  'cancelled',
  'completed',
  'failed',
] as const;

export type MigrationStatus = (typeof migrationStatuses)[number];

/** How a migration ended. */
export type MigrationOutcome = 'completed' | 'failed' | 'cancelled';
