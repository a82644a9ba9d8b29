import type { Clock } from '@godwit/clock';
import { errnoOf, systemReason } from '@godwit/native';
import { asError, DisconnectedError } from '../errors.js';
import type { Interruption } from '../interruption.js';
import type { Channel, Medium } from '../ports.js';

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
 * The channel with writes that end with the interruption, or with the error `stalled` once one takes longer than
 * `limitMs()`, which is asked at each write; 0 means no limit. Whatever breaks it, it is a {@link DisconnectedError}, in
 * QEMU's words where a call of the system failed: `Unable to write to socket: Broken pipe`.
 */
export function guardChannel(
  channel: Channel,
  interruption: Interruption,
  clock: Clock,
  limitMs: () => number,
  stalled: string,
): Channel {
  const { medium } = channel;
  return {
    ...(channel.carriesDescriptors === true ? { carriesDescriptors: true } : {}),
    takeDescriptor: () => channel.takeDescriptor?.(),
    write: async (chunks, descriptor) => {
      try {
        await interruption.waitAtMost(channel.write(chunks, descriptor), clock, limitMs(), stalled);
      } catch (error) {
        throw error === interruption.reason ? error : disconnected(error, 'write to', medium);
      }
    },
    readExactly: async (into) => {
      try {
        return await channel.readExactly(into);
      } catch (error) {
        throw disconnected(error, 'read from', medium);
      }
    },
    finish: async () => {
      try {
        await interruption.wait(channel.finish?.() ?? Promise.resolve());
      } catch (error) {
        throw error === interruption.reason ? error : disconnected(error, 'write to', medium);
      }
    },
    close: () => channel.close(),
  };
}

function disconnected(cause: unknown, direction: 'write to' | 'read from', medium: Medium | undefined) {
  if (medium === undefined || errnoOf(cause) === undefined) {
    return new DisconnectedError(asError(cause).message, { cause });
  }
  return transferError(direction, medium, systemReason(cause), cause);
}

/** Why nothing more goes or comes, in QEMU's words. @param reason in the C library's */
export function transferError(
  direction: 'write to' | 'read from',
  medium: Medium,
  reason: string,
  cause: unknown,
): DisconnectedError {
  const unable = medium === 'TLS channel' ? 'Cannot' : 'Unable to';
  return new DisconnectedError(`${unable} ${direction} ${medium}: ${reason}`, { cause });
}
