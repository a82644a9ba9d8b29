import { type Clock, delay } from '@godwit/clock';

/** A client to whom something is delivered. */
export interface Recipient {
  /** It has read all that was sent to it, as far as that can be told; what is still queued does not count. */
  readonly allRead: boolean;
  /** Sends what is queued. */
  flush(): void;
}

/** How long one wait may take, in milliseconds: a client on a busy machine may have to wait for a CPU some tens of them. */
const WAIT_MS = 100;
/** How long all waits together may take that follow closely upon each other, as those of several devices do. */
const PATIENCE_MS = 300;
/** How much of the time that passes may be spent on waiting again. */
const PATIENCE_REGAINED = 1 / 2;
/** A client that reads at all mostly does so within this many turns of the event loop. */
const PROMPT_TURNS = 256;
const RETRY_MS = 1;

/**
 * Waits until clients have read what was sent to them, for what they should know before something happens. Nobody can hold
 * that up for long: all waiting together is limited, and a client that was waited for in vain is not waited for again
 * before it has caught up.
 */
export class Delivery {
  readonly #clock: Clock;
  readonly #tardy = new WeakSet<Recipient>();
  #patience = PATIENCE_MS;
  #updatedAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#updatedAt = clock.now();
  }

  /** Sends what is queued. Returns undefined where nobody has to be waited for. Never rejects. */
  deliver(recipients: Iterable<Recipient>): Promise<void> | undefined {
    const awaited: Recipient[] = [];
    for (const recipient of recipients) {
      if (this.#tardy.has(recipient) && recipient.allRead) this.#tardy.delete(recipient);
      recipient.flush();
      if (!recipient.allRead && !this.#tardy.has(recipient)) awaited.push(recipient);
    }
    return awaited.length === 0 ? undefined : this.#wait(awaited);
  }

  async #wait(recipients: readonly Recipient[]): Promise<void> {
    const startedAt = this.#clock.now();
    const regained = (startedAt - this.#updatedAt) * PATIENCE_REGAINED;
    const patience = Math.min(PATIENCE_MS, this.#patience + regained);
    const limit = Math.min(WAIT_MS, patience);
    let waiting = recipients;
    let waited = 0;
    for (let turns = 0; waiting.length > 0 && waited < limit; turns++) {
      if (turns < PROMPT_TURNS) await nextTurn();
      else await delay(this.#clock, RETRY_MS);
      waiting = waiting.filter(({ allRead }) => !allRead);
      waited = this.#clock.now() - startedAt;
    }
    for (const recipient of waiting) this.#tardy.add(recipient);
    this.#patience = Math.max(0, patience - waited);
    this.#updatedAt = startedAt + waited;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
