import { deviceOutage, guestOutage, lengthOf, type Timeline } from '@godwit/timeline';

/** What `godwit demo --json` prints. Sizes are bytes, times milliseconds; `atMs` counts from the start of the migration. */
export interface DemoResult {
  /** The status of the migration, as query-migrate names it. */
  readonly status: string;
  readonly totalMs: number;
  /** From STOP on the source to RESUME on the destination; null where there was no switchover. */
  readonly downtimeMs: number | null;
  readonly ram: { readonly bytes: number; readonly transferred: number; readonly dirtyRounds: number };
  readonly devices: readonly DeviceResult[];
  readonly verified: { readonly guest: boolean; readonly devices: boolean };
}

/** What became of one device. */
export interface DeviceResult {
  readonly id: string;
  readonly qomPath: string;
  /** Bytes of its state that were sent. */
  readonly bytes: number;
  /** On both sides, in order of time. */
  readonly states: readonly { readonly state: string; readonly atMs: number }[];
  readonly downtimeMs: number | null;
}

/** What is known when a demo ends. */
export interface DemoFacts {
  readonly status: string;
  readonly totalMs: number;
  readonly timeline: Timeline;
  readonly ram: DemoResult['ram'];
  readonly deviceBytes: ReadonlyMap<string, number>;
  readonly verified: DemoResult['verified'];
}

export function demoResult({ status, totalMs, timeline, ram, deviceBytes, verified }: DemoFacts): DemoResult {
  return {
    status,
    totalMs: rounded(totalMs),
    downtimeMs: optional(lengthOf(guestOutage(timeline))),
    ram,
    devices: deviceResults(timeline, timeline.source.migration[0]?.at ?? 0, deviceBytes),
    verified,
  };
}

/**
 * What became of each device of the source.
 * @param start what `atMs` counts from, in milliseconds since 1970
 */
export function deviceResults(
  timeline: Timeline,
  start: number,
  deviceBytes: ReadonlyMap<string, number>,
): DeviceResult[] {
  const { source, destination } = timeline;
  return source.devices.map(({ id, qomPath, states }) => {
    const arrived = destination.devices.find((device) => device.qomPath === qomPath)?.states ?? [];
    return {
      id,
      qomPath,
      bytes: deviceBytes.get(qomPath) ?? 0,
      states: [...states, ...arrived]
        .sort((a, b) => a.at - b.at)
        .map(({ value, at }) => ({ state: value, atMs: rounded(at - start) })),
      downtimeMs: optional(lengthOf(deviceOutage(timeline, qomPath))),
    };
  });
}

/** Whether everything holds that the demo promises. */
export function succeeded(result: DemoResult): boolean {
  return result.status === 'completed' && result.verified.guest && result.verified.devices;
}

/** To the microsecond, which is what event timestamps have. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

function optional(ms: number | undefined): number | null {
  return ms === undefined ? null : rounded(ms);
}
