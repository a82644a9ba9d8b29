import type { JsonObject } from '@godwit/json';

/** How often an event may be sent. */
export interface EventThrottle {
  readonly intervalMs: number;
  /** Events that differ in this member of their data are counted apart. */
  readonly key?: string;
  /** Events that are sent at once whatever came before. */
  readonly exempt?: (data: JsonObject) => boolean;
}

const intervalMs = 1000;

/** The events that a guest can cause, and QEMU sends once a second. All others are sent at once. */
export const eventThrottles: Readonly<Record<string, EventThrottle>> = {
  RTC_CHANGE: { intervalMs },
  WATCHDOG: { intervalMs },
  BALLOON_CHANGE: { intervalMs },
  HV_BALLOON_STATUS_REPORT: { intervalMs },
  VSERPORT_CHANGE: { intervalMs, key: 'id' },
  MEMORY_DEVICE_SIZE_CHANGE: { intervalMs, key: 'qom-path' },
  // An error that stops the machine cannot repeat, and none of them may be missed.
  BLOCK_IO_ERROR: { intervalMs, key: 'qom-path', exempt: (data) => data.action === 'stop' },
  QUORUM_REPORT_BAD: { intervalMs, key: 'node-name' },
  QUORUM_FAILURE: { intervalMs },
};
