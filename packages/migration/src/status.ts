/** The states of a migration, by their names in QAPI (MigrationStatus). */
export const migrationStatuses = [
  'none',
  'setup',
  'active',
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
