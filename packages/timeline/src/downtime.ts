import type { Change, DeviceTimeline, Timeline } from './timeline.js';

/** A time in which something did not run; milliseconds since 1970. `end` is absent while it lasts. */
export interface Outage {
  readonly start: number;
  readonly end: number | undefined;
}

/** Length of an outage in milliseconds; undefined while it lasts. */
export function lengthOf(outage: Outage | undefined): number | undefined {
  return outage?.end === undefined ? undefined : outage.end - outage.start;
}

/**
 * The guest's downtime: from the source's last STOP to the first RESUME after it, on whichever side: the destination's
 * when the migration succeeded, the source's when it went back. Undefined when the source never stopped.
 * The clocks of both machines are taken as one, as on one host.
 */
export function guestOutage(timeline: Timeline): Outage | undefined {
  const stop = timeline.source.running.findLast((change) => !change.value);
  if (stop === undefined) return undefined;
  const resumes = [...timeline.source.running, ...timeline.destination.running].filter(
    (change) => change.value && change.at >= stop.at,
  );
  return { start: stop.at, end: earliest(resumes) };
}

/** States in which a device does the guest's work; in the P2P states it does so without starting DMA itself. */
const working: ReadonlySet<string> = new Set([
  'running',
  'running-p2p',
  'pre-copy',
  'pre-copy-p2p',
  'pre-copy-p2p-prepare',
]);

/**
 * A device's own downtime: from where it left its last working state on the source until it reports `running` again,
 * on whichever side that is. Undefined for a device that never left.
 */
export function deviceOutage(timeline: Timeline, qomPath: string): Outage | undefined {
  const source = find(timeline.source.devices, qomPath);
  if (source === undefined) return undefined;
  const leave = source.states.findLast(
    (change, index) => !working.has(change.value) && worksBefore(source.states, index),
  );
  if (leave === undefined) return undefined;
  const destination = find(timeline.destination.devices, qomPath);
  const back = [...source.states, ...(destination?.states ?? [])].filter(
    (change) => change.value === 'running' && change.at >= leave.at,
  );
  return { start: leave.at, end: earliest(back) };
}

/** Before its first reported state a device was running. */
function worksBefore(states: readonly Change<string>[], index: number): boolean {
  const before = states[index - 1];
  return before === undefined || working.has(before.value);
}

function find(devices: readonly DeviceTimeline[], qomPath: string): DeviceTimeline | undefined {
  return devices.find((device) => device.qomPath === qomPath);
}

function earliest(changes: readonly Change<unknown>[]): number | undefined {
  return changes.length === 0 ? undefined : Math.min(...changes.map((change) => change.at));
}
