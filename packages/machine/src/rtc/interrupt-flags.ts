import { alarmBetween, type RtcAlarm } from './alarm.js';
import { RtcStatusA, RtcStatusB, RtcStatusC } from './registers.js';

const CRYSTAL_HZ = 32_768;

/** What the flags depend on since they were last looked at. */
export interface RtcInterval {
  readonly statusA: number;
  readonly statusB: number;
  /** The guest's time, in seconds since 1970, then and now. */
  readonly fromSecond: number;
  readonly toSecond: number;
  readonly alarm: RtcAlarm;
  /** Milliseconds of the clock that drives the RTC, now. */
  readonly nowMs: number;
}

/**
 * Status C: which interrupts would have come. No interrupt controller is there to hear them, so nothing needs a timer: the
 * flags are worked out when somebody looks, and before anything that they depend on changes.
 */
export class RtcInterruptFlags {
  #flags = 0;
  /** When the last period began, in milliseconds of the clock that drives the RTC. */
  #periodBegan = 0;

  get value(): number {
    return this.#flags;
  }

  set value(flags: number) {
    this.#flags = flags & (RtcStatusC.PERIODIC | RtcStatusC.ALARM | RtcStatusC.UPDATE_ENDED);
  }

  /** Periods count from now on. */
  beginPeriod(nowMs: number): void {
    this.#periodBegan = nowMs;
  }

  /** Sets the flags of what has happened in an interval. */
  advance({ statusA, statusB, fromSecond, toSecond, alarm, nowMs }: RtcInterval): void {
    if ((statusA & RtcStatusA.RESET) === RtcStatusA.RESET) return;
    if (toSecond > fromSecond) {
      this.#flags |= RtcStatusC.UPDATE_ENDED;
      // A clock that the guest holds shows no time at which an alarm could go off.
      const holds = (statusB & RtcStatusB.SET) !== 0 || (this.#flags & RtcStatusC.ALARM) !== 0;
      if (!holds && alarmBetween(alarm, fromSecond, toSecond)) this.#flags |= RtcStatusC.ALARM;
    }
    const period = periodMs(statusA);
    if (period === undefined || (statusB & RtcStatusB.PERIODIC) === 0) return;
    const periods = Math.floor((nowMs - this.#periodBegan) / period);
    if (periods < 1) return;
    this.#periodBegan += periods * period;
    this.#flags |= RtcStatusC.PERIODIC;
  }
}

/** The rate that status A selects: rates 1 and 2 are those of 8 and 9. */
function periodMs(statusA: number): number | undefined {
  const rate = statusA & RtcStatusA.RATE;
  if (rate === 0) return undefined;
  return (1000 * 2 ** ((rate <= 2 ? rate + 7 : rate) - 1)) / CRYSTAL_HZ;
}
