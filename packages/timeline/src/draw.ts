import { deviceOutage, guestOutage } from './downtime.js';
import type { Change, DeviceTimeline, Side, SideTimeline, Timeline } from './timeline.js';

export interface DrawOptions {
  /** Columns to fill, at least 60. */
  readonly width: number;
  /** Whether to use ANSI colours. */
  readonly colour?: boolean;
  /** What stands before the names of a side's rows. */
  readonly names?: Readonly<Record<Side, string>>;
}

interface Look {
  readonly glyph: string;
  /** SGR parameters. */
  readonly colour: string;
}

/** How each device state is drawn, in the order of the legend. A state that is not here is drawn as `?`. */
const looks: Readonly<Record<string, Look>> = {
  running: { glyph: '━', colour: '32' },
  'running-p2p': { glyph: '┅', colour: '36' },
  'pre-copy': { glyph: '░', colour: '34' },
  'pre-copy-p2p-prepare': { glyph: '▚', colour: '36' },
  'pre-copy-p2p': { glyph: '▒', colour: '36' },
  'stop-copy': { glyph: '█', colour: '33' },
  resuming: { glyph: '▓', colour: '35' },
  stop: { glyph: '·', colour: '90' },
};
const unknownLook: Look = { glyph: '?', colour: '31' };
const guestLooks = { running: looks.running ?? unknownLook, stopped: { glyph: '·', colour: '90' } };

/** A row: what is drawn from each instant on, until the next. Nothing is drawn before the first. */
interface Row {
  readonly label: string;
  readonly steps: readonly { readonly at: number; readonly look: Look | undefined }[];
}

/**
 * Draws a timeline for the terminal: the whole migration to scale, and beneath it the switchover enlarged, a row for
 * the guest and for each device on both sides, STOP and RESUME marked. Returns the lines; none for an empty timeline.
 */
export function drawTimeline(timeline: Timeline, options: DrawOptions): string[] {
  const span = extent(timeline);
  if (span === undefined) return [];
  const paint = options.colour === true ? coloured : plain;
  const rows = rowsOf(timeline, options.names ?? { source: 'source', destination: 'dest' }, span);
  const labelWidth = Math.max(...rows.map((row) => row.label.length)) + 2;
  const columns = Math.max(60, options.width) - labelWidth - 1;
  const outage = guestOutage(timeline);
  const marks = outage === undefined ? [] : marksOf(outage.start, outage.end);

  const lines = panel(rows, timeline.source.migration, span, span.start, marks, labelWidth, columns, paint);
  const zoom = outage === undefined ? undefined : switchover(timeline, outage.start, outage.end);
  if (zoom !== undefined && zoom.end - zoom.start < (span.end - span.start) / 2) {
    lines.push('', ' '.repeat(labelWidth) + paint('the switchover, enlarged', '1'));
    lines.push(
      ...panel(rows, timeline.source.migration, zoom, span.start, marks, labelWidth, columns, paint),
    );
  }
  lines.push('', ...legend(rows, labelWidth, columns, paint));
  return lines;
}

interface Interval {
  readonly start: number;
  readonly end: number;
}

interface Mark {
  readonly at: number;
  readonly text: string;
}

type Paint = (text: string, colour: string) => string;
const plain: Paint = (text) => text;
const coloured: Paint = (text, colour) => `\u001b[${colour}m${text}\u001b[0m`;

function marksOf(stop: number, resume: number | undefined): Mark[] {
  const marks = [{ at: stop, text: 'STOP' }];
  if (resume !== undefined) marks.push({ at: resume, text: 'RESUME' });
  return marks;
}

function extent(timeline: Timeline): Interval | undefined {
  const instants = (['source', 'destination'] as const).flatMap((side) => [
    ...timeline[side].migration.map((change) => change.at),
    ...timeline[side].running.map((change) => change.at),
    ...timeline[side].devices.flatMap((device) => device.states.map((change) => change.at)),
  ]);
  if (instants.length === 0) return undefined;
  const start = Math.min(...instants);
  // An eighth beyond the last event: what it began can be seen, and the name of a late mark has room.
  const end = Math.max(...instants);
  return { start, end: end + Math.max(1, (end - start) * 0.12) };
}

/** From before the first device left its work until all are back, with a tenth around. */
function switchover(timeline: Timeline, stop: number, resume: number | undefined): Interval {
  const outages = timeline.source.devices.map((device) => deviceOutage(timeline, device.qomPath));
  const start = Math.min(stop, ...outages.map((outage) => outage?.start ?? stop));
  const end = Math.max(resume ?? stop, ...outages.map((outage) => outage?.end ?? resume ?? stop));
  const around = Math.max(1, (end - start) * 0.1);
  return { start: start - around, end: end + around };
}

function rowsOf(timeline: Timeline, names: Readonly<Record<Side, string>>, span: Interval): Row[] {
  const rows: Row[] = [];
  for (const side of ['source', 'destination'] as const) {
    const { running, devices, stoppedAtFirst } = timeline[side];
    const runsAtFirst = side === 'source' && running[0]?.value !== true && stoppedAtFirst !== true;
    const stands = stoppedAtFirst === true ? guestLooks.stopped : undefined;
    rows.push({
      label: `${names[side]} guest`,
      steps: [
        { at: span.start, look: runsAtFirst ? guestLooks.running : stands },
        ...running.map((change) => ({
          at: change.at,
          look: change.value ? guestLooks.running : guestLooks.stopped,
        })),
      ],
    });
    for (const device of devices) rows.push(deviceRow(device, timeline[side], names[side], side, span));
  }
  return rows;
}

function deviceRow(
  device: DeviceTimeline,
  { migration, stoppedAtFirst }: SideTimeline,
  name: string,
  side: Side,
  span: Interval,
): Row {
  const before = side === 'source' ? (stoppedAtFirst === true ? looks.stop : looks.running) : undefined;
  const steps = device.states.map((change) => ({ at: change.at, look: looks[change.value] ?? unknownLook }));
  const lookAt = (instant: number) => steps.findLast(({ at }) => at <= instant)?.look;
  // Where a guest does not arrive, its devices are nothing any more, which no event says; nor do they say `resuming` again.
  const arrivals = side === 'source' ? [] : migration.filter(({ value }) => ARRIVAL.has(value));
  const gone = arrivals.map(({ value, at }) => ({ at, look: value === 'active' ? lookAt(at) : undefined }));
  return {
    label: `${name} ${device.id === '' ? device.qomPath : device.id}`,
    steps: [{ at: span.start, look: before }, ...[...steps, ...gone].sort((a, b) => a.at - b.at)],
  };
}

/** Statuses of a destination that say whether its devices are somebody's. */
const ARRIVAL: ReadonlySet<string> = new Set(['active', 'failed']);

function panel(
  rows: readonly Row[],
  statuses: readonly Change<string>[],
  interval: Interval,
  origin: number,
  marks: readonly Mark[],
  labelWidth: number,
  columns: number,
  paint: Paint,
): string[] {
  const perColumn = (interval.end - interval.start) / columns;
  const columnOf = (at: number) => Math.floor((at - interval.start) / perColumn);
  const markings = markLine(marks, columnOf, columns, paint);
  const lines = markings === '' ? [] : [' '.repeat(labelWidth) + markings];
  if (statuses.length > 0) {
    const text = statusLine(statuses, columnOf, columns);
    if (text !== '') lines.push('migration'.padEnd(labelWidth) + paint(text, '2'));
  }
  for (const row of rows) {
    lines.push(
      (row.label.padEnd(labelWidth) + drawRow(row, interval.start, perColumn, columns, paint)).trimEnd(),
    );
  }
  lines.push(' '.repeat(labelWidth) + axis(interval, origin, columns));
  return lines;
}

function drawRow(row: Row, start: number, perColumn: number, columns: number, paint: Paint): string {
  const cells: (Look | undefined)[] = [];
  for (let column = 0; column < columns; column++) {
    const from = start + column * perColumn;
    cells.push(lookOfCell(row, from, from + perColumn));
  }
  let line = '';
  for (let column = 0; column < columns; ) {
    const look = cells[column];
    let end = column + 1;
    while (end < columns && cells[end] === look) end++;
    line +=
      look === undefined ? ' '.repeat(end - column) : paint(look.glyph.repeat(end - column), look.colour);
    column = end;
  }
  return line.trimEnd();
}

/** What a cell shows: the state that was entered in it, of several the one that lasted longest, else the state before. */
function lookOfCell(row: Row, from: number, to: number): Look | undefined {
  let shown = row.steps.findLast((step) => step.at < from)?.look;
  let longest = 0;
  for (const [index, step] of row.steps.entries()) {
    if (step.at < from || step.at >= to) continue;
    const lasted = Math.min(row.steps[index + 1]?.at ?? to, to) - step.at;
    if (lasted < longest) continue;
    shown = step.look;
    longest = lasted;
  }
  return shown;
}

/** The line of marks: STOP reads up to its instant, RESUME from its instant on; both give way where they would not fit. */
function markLine(
  marks: readonly Mark[],
  columnOf: (at: number) => number,
  columns: number,
  paint: Paint,
): string {
  let line = '';
  let limit = columns;
  for (const [index, mark] of [...marks.entries()].reverse()) {
    const column = columnOf(mark.at);
    if (column < 0 || column >= columns) continue;
    const text = index === 0 ? `${mark.text}▼` : `▼${mark.text}`;
    const wanted = index === 0 ? column - mark.text.length : column;
    const begin = Math.max(0, Math.min(wanted, limit - text.length));
    const gap = Math.max(0, limit - begin - text.length);
    line = paint(text, '1') + (line === '' ? '' : span(gap, marks, paint) + line);
    limit = begin;
  }
  return line === '' ? '' : ' '.repeat(limit) + line;
}

/** Each status from its instant on, cut off where the next one begins. */
function statusLine(
  statuses: readonly Change<string>[],
  columnOf: (at: number) => number,
  columns: number,
): string {
  let line = '';
  for (const [index, { value, at }] of statuses.entries()) {
    const next = statuses[index + 1];
    const end = next === undefined ? columns : Math.min(columns, columnOf(next.at));
    const begin = Math.max(line.length, columnOf(at));
    // What began before is named at the edge, if it lasts for long enough.
    if (end - begin < 2) continue;
    line = line.padEnd(begin) + `│${value}`.slice(0, end - begin);
  }
  return line;
}

/** What stands between the two marks: how long it took, where there is room for it. */
function span(columns: number, marks: readonly Mark[], paint: Paint): string {
  const [first, last] = marks;
  if (first === undefined || last === undefined) return ' '.repeat(columns);
  const text = ` ${formatMs(last.at - first.at)} `;
  const left = Math.floor((columns - text.length) / 2);
  if (left < 2) return ' '.repeat(columns);
  return paint(`${'─'.repeat(left)}${text}${'─'.repeat(columns - left - text.length)}`, '2');
}

function axis(interval: Interval, origin: number, columns: number): string {
  const label = (at: number) => `${formatMs(at - origin)}`;
  const left = label(interval.start);
  const right = label(interval.end);
  const middle = label((interval.start + interval.end) / 2);
  const gap = columns - left.length - middle.length - right.length;
  const first = Math.max(1, Math.floor(gap / 2));
  return `${left}${' '.repeat(first)}${middle}${' '.repeat(Math.max(1, gap - first))}${right}`;
}

function legend(rows: readonly Row[], labelWidth: number, columns: number, paint: Paint): string[] {
  const used = new Set(rows.flatMap((row) => row.steps.map((step) => step.look)));
  const lines: string[] = [];
  let line = '';
  let length = 0;
  for (const [state, look] of Object.entries(looks)) {
    if (!used.has(look)) continue;
    const text = `${look.glyph.repeat(2)} ${state}`;
    if (length > 0 && length + text.length + 3 > columns) {
      lines.push(line);
      line = '';
      length = 0;
    }
    line += `${length > 0 ? '   ' : ''}${paint(look.glyph.repeat(2), look.colour)} ${state}`;
    length += text.length + (length > 0 ? 3 : 0);
  }
  if (length > 0) lines.push(line);
  return lines.map((text) => ' '.repeat(labelWidth) + text);
}

/** Milliseconds for people: tenths below 100 ms, whole ones above. */
export function formatMs(ms: number): string {
  return `${Math.abs(ms) < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms`;
}
