import { type Clock, delay } from '@godwit/clock';
import { type MigrationOutcome, type Progress, progressOf } from '../report/progress.js';
import type { MachineClient } from './machine-process.js';

const ENDED: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);

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
