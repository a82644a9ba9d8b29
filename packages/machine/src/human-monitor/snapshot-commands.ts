import type { Clock } from '@godwit/clock';
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
      quietly(machine.snapshots.save(args.optionalText('name') ?? snapshotName(machine.environment.clock))),
  },
];

async function tags({ machine }: MonitorContext, position: number): Promise<string[]> {
  if (position !== 0 || machine.configuration.snapshotFolder === undefined) return [];
  return (await machine.snapshots.list()).map(({ tag }) => tag);
}

/** As QEMU names a snapshot that was given no name: `vm-20260117093000`. */
function snapshotName(clock: Clock): string {
  const now = new Date(clock.wallMicroseconds() / 1000);
  return `vm-${now.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}`;
}
