import type { MigrationInfo } from '@godwit/machine/protocol';
import {
  guestOutage,
  lengthOf,
  type Side,
  switchoverPhases,
  type TimedEvent,
  type Timeline,
} from '@godwit/timeline';
import { type DeviceResult, deviceResults, milliseconds } from '../report/device-results.js';
import { showOutcome } from '../report/outcome-view.js';
import { progressOf } from '../report/progress.js';
import type { Screen } from '../report/screen.js';
import { formatDuration } from '../report/size.js';

/** What `godwit timeline --json` prints. Times are milliseconds; `atMs` counts from the first event of the migration. */
export interface TimelineResult {
  /** The last status of the source. */
  readonly status: string;
  /** From STOP on the source to the next RESUME; null where there was no such time, or it lasts. */
  readonly downtimeMs: number | null;
  /** Where the time went in which the guest stood still; `ms` is null for what lasts. */
  readonly phases: readonly { readonly name: string; readonly ms: number | null }[];
  readonly statuses: readonly { readonly status: string; readonly atMs: number }[];
  readonly devices: readonly DeviceResult[];
}

export function timelineResult(timeline: Timeline, info: MigrationInfo | undefined): TimelineResult {
  const { migration } = timeline.source;
  const start = migration[0]?.at ?? timeline.source.running[0]?.at ?? 0;
  const bytes = new Map(
    (info?.['vfio-devices'] ?? []).map((device) => [device['qom-path'], Number(device.transferred)]),
  );
  return {
    status: migration.at(-1)?.value ?? 'none',
    downtimeMs: milliseconds(lengthOf(guestOutage(timeline))),
    phases: switchoverPhases(timeline).map((phase) => ({
      name: phase.name,
      ms: milliseconds(lengthOf(phase)),
    })),
    statuses: migration.map(({ value, at }) => ({ status: value, atMs: milliseconds(at - start) })),
    devices: deviceResults(timeline, start, bytes),
  };
}

/** One line for one event, as it happens. */
export function describeEvent(atMs: number, side: Side, { event, data }: TimedEvent): string {
  const about = (data ?? {}) as Readonly<Record<string, unknown>>;
  const device = String(about['device-id'] || about['qom-path']);
  const what: Readonly<Record<string, string>> = {
    MIGRATION: `migration ${about.status}`,
    VFIO_MIGRATION: `${device} ${about['device-state']}`,
    VFIO_MIGRATION_PREPARE: `${device} is going to ${about['device-state']}`,
  };
  return `${formatDuration(atMs).padStart(10)}  ${side.padEnd(11)}  ${what[event] ?? event}`;
}

/** Figures where there are some, the drawing, and each device's part. */
export function showMigration(screen: Screen, timeline: Timeline, info: MigrationInfo | undefined): void {
  const status = timeline.source.migration.at(-1)?.value ?? 'stopped';
  const progress = progressOf({ ...info, status } as MigrationInfo);
  const reason = status === 'completed' ? undefined : info?.['error-desc'];
  screen.print('');
  showOutcome(screen, { progress: { ...progress, elapsedMs: lasted(timeline) }, reason }, timeline);
}

/** From the first status of the source to the last. */
function lasted({ source: { migration } }: Timeline): number {
  const [first] = migration;
  return first === undefined ? 0 : migration.at(-1)!.at - first.at;
}
