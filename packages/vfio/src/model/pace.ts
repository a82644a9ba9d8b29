/** Turns a rate into whole steps, keeping the fraction for the next time. */
export class Pace {
  readonly #perSecond: number;
  #rest = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  get moves(): boolean {
    return this.#perSecond > 0;
  }

  /** The steps that fall due in `elapsed` milliseconds. */
  steps(elapsed: number): number {
    const due = (this.#perSecond * elapsed) / 1000 + this.#rest;
    const whole = Math.floor(due);
    this.#rest = due - whole;
    return whole;
  }
}
