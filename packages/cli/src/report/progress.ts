import type { MigrationInfo } from '@godwit/machine/protocol';

/** Where a migration stands; sizes are bytes, rates per second. */
export interface Progress {
  readonly status: string;
  readonly elapsedMs: number;
  readonly ram: {
    readonly total: number;
    readonly remaining: number;
    readonly transferred: number;
    /** Of these, sent while the guest was stopped. */
    readonly downtimeBytes: number;
    readonly rounds: number;
    readonly dirtyRate: number;
  };
  readonly throughput: number;
  /** What the source counts on for the switchover, as its expected downtime tells; 0 where it does not. */
  readonly bandwidth: number;
  /** Percentage of time for which auto-converge holds the vCPUs up. */
  readonly throttle: number;
  readonly devices: readonly DeviceProgress[];
}

export interface DeviceProgress {
  readonly id: string;
  readonly qomPath: string;
  readonly state: string;
  readonly transferred: number;
}

/** How a migration ended. */
export interface MigrationOutcome {
  readonly progress: Progress;
  /** Why it did not complete, if it did not. */
  readonly reason: string | undefined;
}

/** What `query-migrate` says, in numbers. */
export function progressOf(info: MigrationInfo): Progress {
  const { ram } = info;
  return {
    status: info.status ?? 'none',
    elapsedMs: Number(info['total-time'] ?? 0),
    ram: {
      total: Number(ram?.total ?? 0),
      remaining: Number(ram?.remaining ?? 0),
      // The figure of query-migrate counts the devices in.
      transferred: Number(ram?.transferred ?? 0) - Number(info.vfio?.transferred ?? 0),
      downtimeBytes: Number(ram?.['downtime-bytes'] ?? 0),
      rounds: Number(ram?.['dirty-sync-count'] ?? 1),
      dirtyRate: Number(ram?.['dirty-pages-rate'] ?? 0) * Number(ram?.['page-size'] ?? 0),
    },
    throughput: (Number(ram?.mbps ?? 0) * 1e6) / 8,
    bandwidth: switchoverBandwidth(info),
    throttle: Number(info['cpu-throttle-percentage'] ?? 0),
    devices: (info['vfio-devices'] ?? []).map((device) => ({
      id: device.id,
      qomPath: device['qom-path'],
      state: device['device-state'],
      transferred: Number(device.transferred),
    })),
  };
}

function switchoverBandwidth(info: MigrationInfo): number {
  const milliseconds = Number(info['expected-downtime'] ?? 0);
  if (milliseconds === 0) return 0;
  const left = (info['vfio-devices'] ?? []).reduce(
    (sum, device) => sum + Number(device['stop-copy-bytes'] ?? 0),
    Number(info.ram?.remaining ?? 0),
  );
  return (left / milliseconds) * 1000;
}
