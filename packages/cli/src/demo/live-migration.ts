import { type Clock, delay } from '@godwit/clock';
import type { MigrationInfo } from '@godwit/machine/protocol';
import type { MachineClient } from './machine-process.js';

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

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

export interface LiveMigrationOptions {
  readonly source: MachineClient;
  readonly destination: MachineClient;
  /** Where the destination is to listen: `unix:PATH`, or `tcp:HOST:0` for any port. */
  readonly listenAt: string;
  /** Bytes per second that the source may send; as fast as it goes unless given. */
  readonly bandwidth?: number;
  /** How long the guest may stand still, in milliseconds; that of the source unless given. */
  readonly downtimeLimit?: number;
  readonly clock: Clock;
  /** A migration that has not ended after so many milliseconds is cancelled. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
  /** How often progress is asked for, in milliseconds. */
  readonly pollMs: number;
  readonly onProgress: (progress: Progress) => void;
}

/** How a migration ended. */
export interface MigrationOutcome {
  readonly progress: Progress;
  /** Why it did not complete, if it did not. */
  readonly reason: string | undefined;
}

/** Migrates from one machine to another and follows it to its end. */
export async function migrateLive(options: LiveMigrationOptions): Promise<MigrationOutcome> {
  const { source, destination, bandwidth = 0, downtimeLimit, clock, signal, limitMs } = options;
  for (const client of [source, destination]) {
    await client.execute('migrate-set-capabilities', {
      capabilities: [{ capability: 'events', state: true }],
    });
  }
  // On a busy host the guest may write faster than its pages can be sent; then it is slowed down.
  await source.execute('migrate-set-capabilities', {
    capabilities: [{ capability: 'auto-converge', state: true }],
  });
  // The default of 128 MiB/s spares a shared network; here there is none.
  await source.execute('migrate-set-parameters', {
    'max-bandwidth': BigInt(bandwidth),
    ...(downtimeLimit === undefined ? {} : { 'downtime-limit': BigInt(downtimeLimit) }),
  });
  await destination.execute('migrate-incoming', { uri: options.listenAt });
  await source.execute('migrate', { uri: await addressOf(destination, options.listenAt) });
  const startedAt = clock.now();
  let tooLong = false;
  for (;;) {
    signal.throwIfAborted();
    const info = await source.execute('query-migrate');
    const progress = progressOf(info);
    options.onProgress(progress);
    if (ENDED.has(progress.status)) {
      const reason = tooLong ? tooLongReason(limitMs) : info['error-desc'];
      return { progress, reason: progress.status === 'completed' ? undefined : (reason ?? progress.status) };
    }
    if (!tooLong && clock.now() - startedAt > limitMs) {
      tooLong = true;
      await source.execute('migrate_cancel');
    }
    await delay(clock, options.pollMs);
  }
}

function tooLongReason(limitMs: number): string {
  return `it did not come to an end within ${Math.round(limitMs / 1000)} s; the guest dirties memory faster than it can be sent`;
}

/** Where the destination really listens: with port 0 the system has chosen one. */
async function addressOf(destination: MachineClient, asked: string): Promise<string> {
  if (!asked.startsWith('tcp:')) return asked;
  const address = (await destination.execute('query-migrate'))['socket-address']?.[0];
  if (address?.type !== 'inet') throw new Error('the destination does not say where it listens');
  return `tcp:${address.host}:${address.port}`;
}

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
