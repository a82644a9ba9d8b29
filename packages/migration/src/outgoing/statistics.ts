import type { DeviceState } from '@godwit/vfio';
import type { Transition } from '../device/controller.js';
import type { DevicePending } from '../device/sender.js';
import type { MigrationStatus } from '../status.js';

/** What query-migrate tells of an outgoing migration. Bytes and milliseconds, unless the name says otherwise. */
export interface OutgoingStatistics {
  readonly status: MigrationStatus;
  /** Why it failed. */
  readonly error?: string;
  /** On the machine's clock, as transitions of devices are. */
  readonly startedAt: number;
  /** The time in which there was no connection (`postcopy-paused`) included; rates leave it out. */
  readonly totalTime: number;
  readonly setupTime: number;
  /** From the stop of the vCPUs until the destination had everything; once it is known. */
  readonly downtime?: number;
  /** How long the downtime would be if the guest were stopped now. */
  readonly expectedDowntime: number;
  /** All bytes that went to the destination, over every channel and every connection. */
  readonly sent: number;
  readonly ram: RamStatistics;
  /** Device data of all devices together. */
  readonly vfio: { readonly transferred: number };
  readonly devices: readonly DeviceStatistics[];
  /** False when the guest writes faster than it can be sent, so that the migration will not end by itself. */
  readonly converging: boolean;
  /** Percentage of time for which auto-converge holds the vCPUs up. */
  readonly cpuThrottlePercentage: number;
}

export interface RamStatistics {
  readonly transferred: number;
  readonly remaining: number;
  readonly total: number;
  /** Pages that were all zeros. */
  readonly duplicate: number;
  readonly normal: number;
  readonly normalBytes: number;
  /** Pages a second that the guest wrote, in the last round. */
  readonly dirtyPagesRate: number;
  /** Throughput in megabits a second. */
  readonly mbps: number;
  readonly dirtySyncCount: number;
  readonly pageSize: number;
  readonly pagesPerSecond: number;
  readonly precopyBytes: number;
  readonly downtimeBytes: number;
  /** What went over additional channels, data of devices included. */
  readonly multifdBytes: number;
}

export interface DeviceStatistics {
  readonly id: string;
  readonly qomPath: string;
  readonly state: DeviceState;
  readonly sent: number;
  readonly left: DevicePending;
  /** Those that it made since the migration began. */
  readonly transitions: readonly Transition[];
  /** Its share of the downtime: the transitions it made and the data it sent while the guest was stopped. */
  readonly downtime: number;
}
