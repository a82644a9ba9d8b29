import { statSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SystemClock } from '@godwit/clock';
import { native } from '@godwit/native';
import {
  applyEvent,
  emptyTimeline,
  type Side,
  type TimedEvent,
  type Timeline,
  timeOf,
} from '@godwit/timeline';
import { Failure, type Io, UsageError } from '../io.js';
import { type Output, Screen } from '../report/screen.js';
import { readEventLog } from './event-log.js';
import { type Followed, followMigration } from './follow.js';
import { describeEvent, showMigration, timelineResult } from './report.js';

export const usage = `godwit timeline SOURCE [DESTINATION] [--json]

Watches a migration through the QMP monitors of its machines, ours or QEMU, tells what happens, and draws when it
has ended what became of the guest and of each VFIO device (with migration-events=on), and where the time went in
which the guest stood still. Waits for a migration to begin where none is under way.

  SOURCE, DESTINATION   monitors: unix:PATH or a path, tcp:HOST:PORT or HOST:PORT; a monitor serves one
                        client at a time, so give each machine another -qmp for it;
                        or two files of events, one JSON object a line, as godwit qmp prints them
  --json                print one JSON object instead

Has the machines report their statuses (the migration capability "events"). SIGINT ends it, with what was seen.
Timestamps of both machines are taken as one clock.
Exit codes: 0 the migration completed, 1 it did not, or a monitor is lost, 2 wrong call.`;

/** `godwit timeline`: see {@link usage}. */
export async function run(args: string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const [source, destination, ...rest] = positionals;
  if (source === undefined) throw new UsageError('give the monitor of the source, or a file of its events');
  if (rest.length > 0) throw new UsageError(`'${rest[0]}' is one argument too many`);
  const screen = new Screen(values.json ? SILENT : (io.stdout as Output), process.env);
  const followed = isFile(source)
    ? await recorded(source, destination)
    : await watched(source, destination, screen);
  const { timeline, info } = followed;
  if (timeline.source.migration.length === 0 && timeline.source.running.length === 0) {
    throw new Failure('no migration was seen');
  }
  const result = timelineResult(timeline, info);
  if (values.json) io.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
  else showMigration(screen, timeline, info);
  return result.status === 'completed' ? 0 : 1;
}

const SILENT: Output = { write: () => true };

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

async function recorded(source: string, destination: string | undefined): Promise<Followed> {
  let timeline: Timeline = emptyTimeline();
  try {
    for await (const event of readEventLog(source)) timeline = applyEvent(timeline, 'source', event);
    if (destination !== undefined) {
      for await (const event of readEventLog(destination)) {
        timeline = applyEvent(timeline, 'destination', event);
      }
    }
  } catch (cause) {
    throw new Failure((cause as Error).message, { cause });
  }
  return { timeline, info: undefined };
}

async function watched(source: string, destination: string | undefined, screen: Screen): Promise<Followed> {
  const abort = new AbortController();
  const interrupt = () => abort.abort(new Error('interrupted'));
  process.on('SIGINT', interrupt);
  let begunAt: number | undefined;
  const tell = (side: Side, event: TimedEvent) => {
    begunAt ??= timeOf(event);
    screen.print(describeEvent(timeOf(event) - begunAt, side, event));
  };
  try {
    return await followMigration({
      source,
      ...(destination === undefined ? {} : { destination }),
      clock: new SystemClock(),
      native,
      signal: abort.signal,
      onWaiting: () => screen.print('waiting for a migration'),
      onEvent: tell,
    });
  } catch (cause) {
    throw new Failure((cause as Error).message, { cause });
  } finally {
    process.off('SIGINT', interrupt);
  }
}
