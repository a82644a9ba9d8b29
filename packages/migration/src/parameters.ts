/** The parameters of a migration, by their names in QAPI (MigrationParameters). */
export interface MigrationParameters {
  /** Milliseconds for which the guest may be stopped. */
  readonly 'downtime-limit': number;
  /** Bytes per second while the guest runs; 0 for no limit. */
  readonly 'max-bandwidth': number;
  /** Bytes per second to count on when the guest is stopped; 0 to use what was measured. */
  readonly 'avail-switchover-bandwidth': number;
  /** Percentages of auto-converge. */
  readonly 'throttle-trigger-threshold': number;
  readonly 'cpu-throttle-initial': number;
  readonly 'cpu-throttle-increment': number;
  readonly 'max-cpu-throttle': number;
  /** Add less of it when little is missing. */
  readonly 'cpu-throttle-tailslow': boolean;
}

/** QEMU's defaults. */
export const defaultParameters: MigrationParameters = {
  'downtime-limit': 300,
  'max-bandwidth': 128 << 20,
  'avail-switchover-bandwidth': 0,
  'throttle-trigger-threshold': 50,
  'cpu-throttle-initial': 20,
  'cpu-throttle-increment': 10,
  'max-cpu-throttle': 99,
  'cpu-throttle-tailslow': false,
};
