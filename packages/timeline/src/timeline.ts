/** A QMP event, in the shape in which a client receives it; members that are not needed are not looked at. */
export interface TimedEvent {
  readonly event: string;
  readonly data?: unknown;
  readonly timestamp: { readonly seconds: number | bigint; readonly microseconds: number | bigint };
}

/** Which of the two machines of a migration an event came from. */
export type Side = 'source' | 'destination';

/** A point at which something changed to `value`; `at` is in milliseconds since 1970, to the microsecond. */
export interface Change<T> {
  readonly value: T;
  readonly at: number;
}

export interface DeviceTimeline {
  /** `device-id` of the events, "" for a device without one. */
  readonly id: string;
  readonly qomPath: string;
  /** The states that VFIO_MIGRATION reported, in order. What the device was in before the first is not known. */
  readonly states: readonly Change<string>[];
  /** States announced by VFIO_MIGRATION_PREPARE, in order. */
  readonly announced: readonly Change<string>[];
}

export interface SideTimeline {
  /** In the order in which they were first heard of. */
  readonly devices: readonly DeviceTimeline[];
  /** Statuses that MIGRATION reported. */
  readonly migration: readonly Change<string>[];
  /** True at RESUME, false at STOP. */
  readonly running: readonly Change<boolean>[];
  /** The guest stood still before the first of these. */
  readonly stoppedAtFirst?: true;
}

/** What both machines of a migration reported. Plain data; {@link applyEvent} makes the next one. */
export type Timeline = Readonly<Record<Side, SideTimeline>>;

/** The events that a timeline is made of. */
export const TIMELINE_EVENTS = [
  'MIGRATION',
  'STOP',
  'RESUME',
  'VFIO_MIGRATION',
  'VFIO_MIGRATION_PREPARE',
] as const;

const emptySide: SideTimeline = { devices: [], migration: [], running: [] };

/** @param options.sourceStopped the source's guest does not run at first */
export function emptyTimeline(options: { readonly sourceStopped?: boolean } = {}): Timeline {
  const source: SideTimeline =
    options.sourceStopped === true ? { ...emptySide, stoppedAtFirst: true } : emptySide;
  return { source, destination: emptySide };
}

/** The timeline after `event` of the machine on `side`. Events of no interest here, or malformed ones, change nothing. */
export function applyEvent(timeline: Timeline, side: Side, event: TimedEvent): Timeline {
  const before = timeline[side];
  const after = applyToSide(before, event, timeOf(event));
  return after === before ? timeline : { ...timeline, [side]: after };
}

/** When an event happened, in milliseconds since 1970. */
export function timeOf(event: TimedEvent): number {
  return Number(event.timestamp.seconds) * 1000 + Number(event.timestamp.microseconds) / 1000;
}

function applyToSide(side: SideTimeline, event: TimedEvent, at: number): SideTimeline {
  switch (event.event) {
    case 'STOP':
      return { ...side, running: [...side.running, { value: false, at }] };
    case 'RESUME':
      return { ...side, running: [...side.running, { value: true, at }] };
    case 'MIGRATION': {
      const status = member(event, 'status');
      return status === undefined ? side : { ...side, migration: [...side.migration, { value: status, at }] };
    }
    case 'VFIO_MIGRATION':
      return withDeviceChange(side, event, 'states', at);
    case 'VFIO_MIGRATION_PREPARE':
      return withDeviceChange(side, event, 'announced', at);
    default:
      return side;
  }
}

function withDeviceChange(
  side: SideTimeline,
  event: TimedEvent,
  list: 'states' | 'announced',
  at: number,
): SideTimeline {
  const qomPath = member(event, 'qom-path');
  const state = member(event, 'device-state');
  if (qomPath === undefined || state === undefined) return side;
  const known = side.devices.find((device) => device.qomPath === qomPath);
  const device = known ?? { id: member(event, 'device-id') ?? '', qomPath, states: [], announced: [] };
  const changed = { ...device, [list]: [...device[list], { value: state, at }] };
  return {
    ...side,
    devices:
      known === undefined
        ? [...side.devices, changed]
        : side.devices.map((other) => (other === known ? changed : other)),
  };
}

function member(event: TimedEvent, name: string): string | undefined {
  const { data } = event;
  if (typeof data !== 'object' || data === null) return undefined;
  const value = (data as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
