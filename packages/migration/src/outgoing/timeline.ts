/** When a migration went from one phase to the next, in milliseconds of the machine's clock; undefined for what is still to come. */
export class Timeline {
  readonly startedAt: number;
  activeAt: number | undefined;
  stoppedAt: number | undefined;
  handedOverAt: number | undefined;
  endedAt: number | undefined;
  /** When the connection broke, while there is no other. */
  #pausedAt: number | undefined;
  #pausedFor = 0;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  totalTime(now: number): number {
    return (this.endedAt ?? now) - this.startedAt;
  }

  /** The connection broke. */
  pause(now: number): void {
    this.#pausedAt ??= now;
  }

  /** It goes on over another connection. */
  resume(now: number): void {
    if (this.#pausedAt === undefined) return;
    this.#pausedFor += now - this.#pausedAt;
    this.#pausedAt = undefined;
  }

  /** From the end of the setup to the end, without the time in which there was no connection; undefined before the end. */
  get sendingTime(): number | undefined {
    if (this.endedAt === undefined || this.activeAt === undefined) return undefined;
    return this.endedAt - this.activeAt - this.#pausedFor;
  }

  get setupTime(): number {
    return this.activeAt === undefined ? 0 : this.activeAt - this.startedAt;
  }

  /** From the stop of the vCPUs until the destination had everything. */
  get downtime(): number | undefined {
    if (this.handedOverAt === undefined || this.stoppedAt === undefined) return undefined;
    return this.handedOverAt - this.stoppedAt;
  }
}
