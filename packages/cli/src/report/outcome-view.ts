import {
  deviceOutage,
  drawTimeline,
  guestOutage,
  lengthOf,
  switchoverPhases,
  type Timeline,
} from '@godwit/timeline';
import type { MigrationOutcome, Progress } from './progress.js';
import type { Screen } from './screen.js';
import { formatBytes, formatDuration } from './size.js';

/** What is said of a migration that has ended: figures, the timeline, and each device's part. */
export function showOutcome(
  screen: Screen,
  { progress, reason }: MigrationOutcome,
  timeline: Timeline,
  downtimeLimitMs?: number,
): void {
  const { status, elapsedMs, ram, devices } = progress;
  const took = `${status} after ${formatDuration(elapsedMs)}`;
  const head = screen.paint(took, status === 'completed' ? 'green' : 'red');
  screen.print(reason === undefined ? head : `${head}: ${reason}`);
  // A migration that failed has no figures any more.
  if (ram.total > 0) {
    const state = devices.reduce((sum, { transferred }) => sum + transferred, 0);
    screen.print(
      `  RAM       ${formatBytes(ram.transferred)} sent in ${plural(ram.rounds, 'pass', 'passes')}`,
      ...(devices.length === 0 ? [] : [`  devices   ${formatBytes(state)} sent`]),
    );
  }
  const downtime = lengthOf(guestOutage(timeline));
  if (downtime !== undefined) {
    const length = screen.paint(formatDuration(downtime), 'bold');
    const limit = downtimeLimitMs === undefined ? '' : ` (limit ${formatDuration(downtimeLimitMs)})`;
    screen.print(`  downtime  ${length} from STOP to RESUME${limit}`);
  }
  showPhases(screen, timeline);
  screen.print('', ...drawTimeline(timeline, { width: screen.width, colour: screen.colour }), '');
  if (devices.length > 0) showDevices(screen, devices, timeline);
}

/** What the vCPUs waited for; with one part there is nothing to split. */
function showPhases(screen: Screen, timeline: Timeline): void {
  const phases = switchoverPhases(timeline);
  const [first] = phases;
  if (first === undefined || phases.length < 2) return;
  const end = phases.at(-1)?.end;
  const whole = end === undefined ? 'stand still' : `stood still for ${formatDuration(end - first.start)}`;
  screen.print(`  the vCPUs ${whole}:`);
  for (const phase of phases) {
    const ms = lengthOf(phase);
    screen.print(`  ${(ms === undefined ? '…' : formatDuration(ms)).padStart(10)}  ${phase.name}`);
  }
}

function showDevices(screen: Screen, devices: Progress['devices'], timeline: Timeline): void {
  const rows = devices.map(({ id, qomPath, transferred }) => {
    const outage = lengthOf(deviceOutage(timeline, qomPath));
    return [
      id === '' ? qomPath : id,
      formatBytes(transferred),
      outage === undefined ? '-' : formatDuration(outage),
    ];
  });
  const table = [['device', 'state sent', 'downtime'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('   ')}`.trimEnd(),
  );
  screen.print(screen.paint(lines[0]!, 'dim'), ...lines.slice(1), '');
}

function plural(count: number, one: string, more: string): string {
  return `${count} ${count === 1 ? one : more}`;
}
