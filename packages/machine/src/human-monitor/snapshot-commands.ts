import type { Clock } from '@godwit/clock';
import type { Machine } from '../machine.js';
import { type MonitorCommand, type MonitorContext, quietly } from './command.js';

/** Snapshots of the whole machine. */
export const SNAPSHOT_COMMANDS: readonly MonitorCommand[] = [
  {
    name: 'delvm',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'tag',
    help: 'delete a VM snapshot from its tag',
    completions: tags,
    run: (args, { machine }) => quietly(machine.snapshots.delete(args.text('name'))),
  },
  {
    name: 'loadvm',
    arguments: [{ name: 'name', kind: 'string' }],
    usage: 'tag',
    help: 'restore a VM snapshot from its tag',
    completions: tags,
    run: (args, { machine }) => quietly(machine.snapshots.load(args.text('name'))),
  },
  {
    name: 'savevm',
    arguments: [{ name: 'name', kind: 'string', optional: true }],
    usage: 'tag',
    help: 'save a VM snapshot. If no tag is provided, a new snapshot is created',
    run: (args, { machine }) =>
      quietly(machine.snapshots.save(args.text('name') || snapshotName(machine.environment.clock))),
  },
];

async function tags({ machine }: MonitorContext, position: number): Promise<string[]> {
  if (position !== 0 || machine.configuration.snapshotFolder === undefined) return [];
  return (await machine.snapshots.list()).map(({ tag }) => tag);
}

/** What `info snapshots` shows, in columns as wide as QEMU's. */
export async function snapshotsText({ configuration, snapshots }: Machine): Promise<string> {
  if (configuration.snapshotFolder === undefined) return 'no block device can store vmstate for snapshot\n';
  const saved = await snapshots.list();
  if (saved.length === 0) return 'There is no snapshot available.\n';
  const rows = saved.map(({ tag, size, savedAt }) => [
    '--',
    tag,
    sizeText(size),
    localTime(savedAt).replace('T', ' '),
  ]);
  return [['ID', 'TAG', 'VM SIZE', 'DATE'], ...rows]
    .map(
      ([id, tag, size, date]) =>
        `${id!.padEnd(9)} ${tag!.padEnd(16)} ${size!.padStart(8)} ${date!.padStart(19)}\n`,
    )
    .reduce((text, row) => text + row, 'List of snapshots present on all disks:\n');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** Three digits that count, and the unit. */
function sizeText(bytes: number): string {
  let unit = 0;
  while (bytes / 1024 ** unit >= 1000 && unit < UNITS.length - 1) unit++;
  return `${Number((bytes / 1024 ** unit).toPrecision(3))} ${UNITS[unit]}`;
}

/** As QEMU names a snapshot that was given no name: `vm-20260117093000`. */
function snapshotName(clock: Clock): string {
  return `vm-${localTime(clock.wallMicroseconds() / 1000).replaceAll(/[-:T]/g, '')}`;
}

/** `2026-01-17T09:30:00` in the zone of the host. @param wallMs milliseconds since 1970 */
function localTime(wallMs: number): string {
  const date = new Date(wallMs);
  return new Date(wallMs - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
