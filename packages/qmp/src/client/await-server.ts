import { type Clock, delay } from '@godwit/clock';

const INTERVAL_MS = 20;
/** There is no such socket yet, or nobody listens to it. */
const NOT_YET: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED']);

/** Dials until somebody listens; rejects with the signal's reason, or with what else keeps it from connecting. */
export async function awaitServer<T>(
  dial: (signal: AbortSignal) => Promise<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    try {
      return await dial(signal);
    } catch (error) {
      const { cause } = error as { cause?: { code?: unknown } };
      if (!NOT_YET.has(cause?.code)) throw error;
    }
    await delay(clock, INTERVAL_MS);
    signal.throwIfAborted();
  }
}
