import type { Clock } from '@godwit/clock';

/** Broken-down time as the RTC keeps it: no zone, `month` from 0. Fields may be out of range, as registers may. */
export interface RtcFields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hours: number;
  readonly minutes: number;
  readonly seconds: number;
}

/** `-rtc base=…`: what the RTC shows at start. A number is a date in seconds since 1970, UTC. */
export type RtcBase = 'utc' | 'localtime' | number;

/** `-rtc clock=…`: what drives it: the host's wall clock, its monotonic clock, or time that stands while the machine is stopped. */
export type RtcClock = 'host' | 'rt' | 'vm';

export interface RtcReferenceOptions {
  readonly clock: Clock;
  readonly base?: RtcBase;
  readonly drivenBy?: RtcClock;
  /** Milliseconds that the machine has run; needed with `drivenBy: 'vm'`. */
  readonly virtualNow?: () => number;
}

/** Days from 1 March of the year 0 to 1970. */
const DAYS_TO_1970 = 719_468;

/** Parses the date form of `-rtc base=`: `2006-06-17T16:01:21` or `2006-06-17`, UTC. Undefined when it is neither. */
export function parseRtcDate(text: string): number | undefined {
  const match = /^(\d{1,4})-(\d{1,2})-(\d{1,2})(?:T(\d{1,2}):(\d{1,2}):(\d{1,2}))?$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((field) => Number(field ?? 0));
  return utcSeconds({ year, month: month - 1, day, hours, minutes, seconds });
}

/** The host's idea of time as the options of `-rtc` bend it: the reference that RTC_CHANGE offsets are measured from. */
export class RtcReference {
  readonly #base: RtcBase;
  readonly #drivenBy: RtcClock;
  readonly #clock: Clock;
  readonly #virtualNow: () => number;
  readonly #startWallMs: number;
  readonly #startDrivenMs: number;

  constructor({ clock, base = 'utc', drivenBy = 'host', virtualNow }: RtcReferenceOptions) {
    if (drivenBy === 'vm' && virtualNow === undefined) {
      throw new TypeError('an RTC with clock=vm needs the time of the machine');
    }
    this.#clock = clock;
    this.#base = base;
    this.#drivenBy = drivenBy;
    this.#virtualNow = virtualNow ?? (() => clock.now());
    this.#startWallMs = clock.wallMicroseconds() / 1000;
    this.#startDrivenMs = this.drivenMs();
  }

  /** Milliseconds of the clock that drives the RTC. Only those of `clock=host` mean the same on another machine. */
  drivenMs(): number {
    if (this.#drivenBy === 'host') return this.#clock.wallMicroseconds() / 1000;
    return this.#drivenBy === 'rt' ? this.#clock.now() : this.#virtualNow();
  }

  get absolute(): boolean {
    return this.#drivenBy === 'host';
  }

  /** What an RTC that nobody has set shows now. */
  fields(): RtcFields {
    const startMs = typeof this.#base === 'number' ? this.#base * 1000 : this.#startWallMs;
    const date = new Date(startMs + this.drivenMs() - this.#startDrivenMs);
    return this.#base === 'localtime' ? localFields(date) : utcFields(date);
  }

  /** The `offset` of RTC_CHANGE, in seconds: how far `fields` are ahead of the host's wall clock, counted from the base. */
  offsetOf(fields: RtcFields): number {
    const wallSeconds = Math.floor(this.#clock.wallMicroseconds() / 1e6);
    if (this.#base === 'localtime') return localSeconds(fields) - wallSeconds;
    if (this.#base === 'utc') return utcSeconds(fields) - wallSeconds;
    return utcSeconds(fields) - (wallSeconds - (Math.floor(this.#startWallMs / 1000) - this.#base));
  }
}

/**
 * Seconds since 1970 of fields that are UTC. Months beyond February of the next year go on at 30.6 days, as with QEMU: a
 * guest that writes such to a register sees the same day.
 */
export function utcSeconds({ year, month, day, hours, minutes, seconds }: RtcFields): number {
  // Years that begin in March have their leap day at the end.
  const [years, months] = month < 2 ? [year - 1, month + 10] : [year, month - 2];
  const leapDays = Math.trunc(years / 4) - Math.trunc(years / 100) + Math.trunc(years / 400);
  const days = years * 365 + leapDays + Math.trunc((153 * months + 2) / 5) + day - 1 - DAYS_TO_1970;
  return ((days * 24 + hours) * 60 + minutes) * 60 + seconds;
}

function localSeconds({ year, month, day, hours, minutes, seconds }: RtcFields): number {
  const date = new Date(0);
  date.setFullYear(year, month, day);
  return date.setHours(hours, minutes, seconds, 0) / 1000;
}

export function utcFields(date: Date): RtcFields {
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth(),
    day: date.getUTCDate(),
    hours: date.getUTCHours(),
    minutes: date.getUTCMinutes(),
    seconds: date.getUTCSeconds(),
  };
}

function localFields(date: Date): RtcFields {
  return {
    year: date.getFullYear(),
    month: date.getMonth(),
    day: date.getDate(),
    hours: date.getHours(),
    minutes: date.getMinutes(),
    seconds: date.getSeconds(),
  };
}
