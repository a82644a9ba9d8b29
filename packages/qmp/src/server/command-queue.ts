/** Something that has requests waiting: a session. */
export interface RequestSource {
  /** Executes the request that has waited longest; returns a promise when that takes longer than the call. */
  executeNext(): Promise<void> | undefined;
  readonly hasRequests: boolean;
}

/** So many requests are executed before the event loop gets its turn. */
const requestsPerTurn = 256;

/** Executes the requests of all monitors, one at a time, each monitor in its turn. */
export class CommandQueue {
  readonly #turns: RequestSource[] = [];
  #running = false;

  /** Says that a source has requests. It may be said more often than needed. */
  wake(source: RequestSource): void {
    if (!this.#turns.includes(source)) this.#turns.push(source);
    if (!this.#running) this.#run();
  }

  remove(source: RequestSource): void {
    const index = this.#turns.indexOf(source);
    if (index >= 0) this.#turns.splice(index, 1);
  }

  #run(): void {
    this.#running = true;
    for (let executed = 0; executed < requestsPerTurn; executed++) {
      const source = this.#turns.shift();
      if (source === undefined) {
        this.#running = false;
        return;
      }
      const completion = source.executeNext();
      if (source.hasRequests && !this.#turns.includes(source)) this.#turns.push(source);
      if (completion !== undefined) {
        void completion.then(() => this.#run());
        return;
      }
    }
    setImmediate(() => this.#run());
  }
}
