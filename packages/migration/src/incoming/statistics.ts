import type { DeviceState } from '@godwit/vfio';
import type { Transition } from '../device/controller.js';
import type { MigrationStatus } from '../status.js';

/** What query-migrate tells of an incoming migration. Bytes and milliseconds. */
export interface IncomingStatistics {
  readonly status: MigrationStatus;
  readonly error?: string;
  /** On the machine's clock, as transitions of devices are. */
  readonly startedAt: number;
  readonly totalTime: number;
  /** Bytes of the stream so far. */
  readonly received: number;
  readonly ram: { readonly transferred: number; readonly total: number; readonly dirtySyncCount: number };
  readonly vfio: { readonly transferred: number };
  readonly devices: readonly {
    readonly id: string;
    readonly qomPath: string;
    readonly state: DeviceState;
    readonly received: number;
    /** Those that it made since the migration began. */
    readonly transitions: readonly Transition[];
  }[];
}
