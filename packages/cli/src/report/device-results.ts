import { deviceOutage, lengthOf, type Timeline } from '@godwit/timeline';

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
        .map(({ value, at }) => ({ state: value, atMs: milliseconds(at - start) })),
      downtimeMs: milliseconds(lengthOf(deviceOutage(timeline, qomPath))),
    };
  });
}

/** To the microsecond, which is what event timestamps have; null for what is not known, or lasts. */
export function milliseconds(ms: number): number;
export function milliseconds(ms: number | undefined): number | null;
export function milliseconds(ms: number | undefined): number | null {
  return ms === undefined ? null : Math.round(ms * 1000) / 1000;
}
