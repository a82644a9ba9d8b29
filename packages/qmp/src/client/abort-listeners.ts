/**
 * Who is to be told when a signal is aborted. A signal gets one listener however many wait for it: Node warns of a leak
 * where one has more than a few, and a program may well use one signal for all its commands.
 */
export class AbortListeners {
  readonly #bySignal = new Map<AbortSignal, Set<() => void>>();
  readonly #onAbort = (event: Event) => {
    const signal = event.target as AbortSignal;
    for (const call of [...(this.#bySignal.get(signal) ?? [])]) call();
  };

  add(signal: AbortSignal, call: () => void): void {
    const calls = this.#bySignal.get(signal);
    if (calls !== undefined) {
      calls.add(call);
      return;
    }
    this.#bySignal.set(signal, new Set([call]));
    signal.addEventListener('abort', this.#onAbort);
  }

  remove(signal: AbortSignal, call: () => void): void {
    const calls = this.#bySignal.get(signal);
    if (calls === undefined || !calls.delete(call) || calls.size > 0) return;
    this.#bySignal.delete(signal);
    signal.removeEventListener('abort', this.#onAbort);
  }
}
