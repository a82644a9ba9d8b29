import type { Clock } from '@godwit/clock';
import type { Interruption } from '../interruption.js';
import type { Channel } from '../ports.js';

/** Waits for a channel. One that comes after the interruption has nobody who wants it, and is closed. */
export async function waitForChannel(
  interruption: Interruption,
  opening: Promise<Channel>,
): Promise<Channel> {
  try {
    return await interruption.wait(opening);
  } catch (error) {
    opening.then(
      (late) => late.close(),
      () => {},
    );
    throw error;
  }
}

/**
 * The channel with writes that end with the interruption, or with a `TimeoutError` that says `stalled` once one takes
 * longer than `limitMs()`, which is asked at each write; 0 means no limit.
 */
export function withBoundedWrites(
  channel: Channel,
  interruption: Interruption,
  clock: Clock,
  limitMs: () => number,
  stalled: string,
): Channel {
  return {
    write: (chunks) => interruption.waitAtMost(channel.write(chunks), clock, limitMs(), stalled),
    readExactly: (into) => channel.readExactly(into),
    close: () => channel.close(),
  };
}
