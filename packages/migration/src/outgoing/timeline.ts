/** When a migration went from one phase to the next, in milliseconds of the machine's clock; undefined for what is still to come. */
export class Timeline {
  readonly startedAt: number;
  activeAt: number | undefined;
  stoppedAt: number | undefined;
  handedOverAt: number | undefined;
  endedAt: number | undefined;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  totalTime(now: number): number {
    return (this.endedAt ?? now) - this.startedAt;
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
