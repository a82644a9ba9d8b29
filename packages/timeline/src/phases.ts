import { guestOutage, type Outage } from './downtime.js';
import type { Change, SideTimeline, Timeline } from './timeline.js';

/** What a guest that moves stands still for. */
export type PhaseName =
  /** The vCPUs have stopped, and the devices follow; ends with STOP. */
  | 'devices stop'
  /** What is left of RAM and devices goes over and is loaded. */
  | 'send and load'
  /** It waits for migrate-continue (pause-before-switchover). */
  | 'wait to continue'
  /** It failed or was cancelled, and the source takes the guest back; ends with RESUME. */
  | 'take back'
  /** From RESUME; the vCPUs start when all devices run. */
  | 'devices start';

/** One part of a switchover; milliseconds since 1970. `end` is absent while it lasts. */
export interface Phase extends Outage {
  readonly name: PhaseName;
}

/** Statuses of the source that begin another phase of a guest that is stopped. */
const PHASE_OF_STATUS: Readonly<Record<string, PhaseName>> = {
  'pre-switchover': 'wait to continue',
  device: 'send and load',
  cancelling: 'take back',
  cancelled: 'take back',
  failed: 'take back',
};

/** Where a device goes when its guest stops, from whatever it did before. */
const LEAVING: ReadonlySet<string> = new Set([
  'running-p2p',
  'pre-copy-p2p-prepare',
  'pre-copy-p2p',
  'stop-copy',
  'stop',
]);

/**
 * Where the time goes in which the guest stands still, in order and without gaps: that of {@link guestOutage}, and around it
 * what the devices need to stop and to start, for which the vCPUs wait. Empty where the source never stopped.
 */
export function switchoverPhases(timeline: Timeline): Phase[] {
  const outage = guestOutage(timeline);
  if (outage === undefined) return [];
  const { source, destination } = timeline;
  const phases: { name: PhaseName; start: number }[] = [];
  const begin = (name: PhaseName, start: number) => {
    if (phases.at(-1)?.name !== name) phases.push({ name, start });
  };
  const leaving = firstLeave(source, outage.start);
  if (leaving !== undefined) begin('devices stop', leaving);
  begin('send and load', outage.start);
  for (const { value, at } of source.migration) {
    const name = PHASE_OF_STATUS[value];
    const within = at >= outage.start && (outage.end === undefined || at <= outage.end);
    if (name !== undefined && within) begin(name, at);
  }
  let end: number | undefined;
  if (outage.end !== undefined) {
    const side = source.running.some(({ value, at }) => value && at === outage.end) ? source : destination;
    const back = lastStart(side, outage.end);
    if (back === undefined || back > outage.end) begin('devices start', outage.end);
    end = side.devices.length === 0 ? outage.end : back;
  }
  return phases
    .map((phase, index) => ({ ...phase, end: phases[index + 1]?.start ?? end }))
    .filter((phase) => phase.end === undefined || phase.end > phase.start);
}

/** When the first device began to follow the vCPUs that stop before `stop`. */
function firstLeave({ devices }: SideTimeline, stop: number): number | undefined {
  const leaves = devices.flatMap(({ states, announced }) => {
    const before = states.filter(({ at }) => at <= stop);
    const working = before.findLastIndex(({ value }) => !LEAVING.has(value));
    const first = before[working + 1];
    if (first === undefined) return [];
    // What a device was in before, it may have left long ago; a notice says when it was asked.
    const notice = announced.findLast(({ value, at }) => value === first.value && at <= first.at);
    const since = before[working]?.at ?? Number.NEGATIVE_INFINITY;
    return [notice !== undefined && notice.at >= since ? notice.at : first.at];
  });
  return leaves.length === 0 ? undefined : Math.min(...leaves);
}

/** When the last device ran again after `resume`; undefined where one does not yet. */
function lastStart({ devices }: SideTimeline, resume: number): number | undefined {
  let last = resume;
  for (const { states } of devices) {
    const back = states.find(({ value, at }) => value === 'running' && at >= resume);
    if (back !== undefined) last = Math.max(last, back.at);
    else if (!runsAt(states, resume)) return undefined;
  }
  return last;
}

function runsAt(states: readonly Change<string>[], instant: number): boolean {
  return states.findLast(({ at }) => at <= instant)?.value === 'running';
}
