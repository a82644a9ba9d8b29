import type { StateSection } from '@godwit/migration';
import type { BusHandler } from '../memory/bus.js';
import type { RtcAlarm } from './alarm.js';
import { RtcInterruptFlags } from './interrupt-flags.js';
import { type RtcFields, type RtcReference, utcFields, utcSeconds } from './reference.js';
import {
  fromBcd,
  RTC_ANY,
  RTC_RESUME,
  RtcRegister,
  RtcStatusA,
  RtcStatusB,
  RtcStatusC,
  RtcStatusD,
  toBcd,
} from './registers.js';

const CMOS_BYTES = 128;
/** Before each second ends, status A shows an update in progress for 244 µs. */
const UPDATE_MS = 0.244;

/** QEMU's clock counts nanoseconds since 1970 in 64 bits with a sign: years beyond 2262 and before 1677 come around. */
const SPAN_MS = 2 ** 64 / 1e6;

const STATE_BYTES = 17 + CMOS_BYTES;

const ALARM_REGISTERS: ReadonlySet<number> = new Set([
  RtcRegister.SECONDS_ALARM,
  RtcRegister.MINUTES_ALARM,
  RtcRegister.HOURS_ALARM,
]);

const TIME_REGISTERS: ReadonlySet<number> = new Set([
  RtcRegister.SECONDS,
  RtcRegister.MINUTES,
  RtcRegister.HOURS,
  RtcRegister.DAY_OF_WEEK,
  RtcRegister.DAY_OF_MONTH,
  RtcRegister.MONTH,
  RtcRegister.YEAR,
  RtcRegister.CENTURY,
]);

export interface RtcOptions {
  readonly reference: RtcReference;
  /** The guest set the clock; `offset` in seconds is that of the event RTC_CHANGE. */
  readonly onChange: (offset: number) => void;
}

/**
 * The PC's clock and its CMOS memory at ports 0x70 and 0x71: time in BCD or binary, 24 or 12 hours, settable by the guest;
 * an alarm and a periodic rate, whose interrupts show in status C.
 */
export class Mc146818 implements BusHandler {
  readonly #reference: RtcReference;
  readonly #onChange: (offset: number) => void;
  readonly #cmos = new Uint8Array(CMOS_BYTES);
  #index = 0;
  /** The guest's time is `baseMs` at `baseAt` of the clock that drives the RTC. */
  #baseMs = 0;
  #baseAt = 0;
  readonly #flags = new RtcInterruptFlags();
  /** Until when the flags hold what happened, on the clock that drives the RTC. */
  #flagsAt = 0;

  constructor({ reference, onChange }: RtcOptions) {
    this.#reference = reference;
    this.#onChange = onChange;
    this.#cmos[RtcRegister.STATUS_A] = 0x26;
    this.#cmos[RtcRegister.STATUS_B] = RtcStatusB.HOURS_24;
    this.#cmos[RtcRegister.STATUS_D] = RtcStatusD.VALID;
    const fields = reference.fields();
    this.#setBase(utcSeconds(fields) * 1000);
    this.#store(fields);
    this.#flagsAt = this.#baseAt;
  }

  /** What its registers show, as the guest would read them (`date` of the QOM object). */
  date(): RtcFields {
    // Also where the divider stands still: only a guest that sets the clock sees what it has written.
    if ((this.#cmos[RtcRegister.STATUS_B]! & RtcStatusB.SET) === 0)
      this.#store(utcFields(new Date(this.#second())));
    return this.#fields();
  }

  /** What the guest takes for now, in milliseconds since 1970 of its own zone. */
  now(): number {
    return this.#baseMs + this.#reference.drivenMs() - this.#baseAt;
  }

  read(offset: number, into: Uint8Array): void {
    into.fill(offset === 1 ? this.#readData() : 0xff);
  }

  write(offset: number, from: Uint8Array): void {
    for (const byte of from) {
      if (offset === 0) this.#index = byte & 0x7f;
      else this.#writeData(byte);
    }
  }

  /** The reset line, which leaves the time alone: no interrupt is enabled or waits. */
  reset(): void {
    this.#settle();
    const cmos = this.#cmos;
    cmos[RtcRegister.STATUS_B]! &= ~(RtcStatusB.PERIODIC | RtcStatusB.ALARM | RtcStatusB.SQUARE_WAVE);
    this.#flags.value = 0;
    if (cmos[RtcRegister.SHUTDOWN_STATUS] !== RTC_RESUME) cmos[RtcRegister.SHUTDOWN_STATUS] = 0;
  }

  section(name = 'rtc'): StateSection {
    return {
      name,
      version: 1,
      save: () => {
        this.#refresh();
        this.#settle();
        this.#cmos[RtcRegister.STATUS_C] = this.#statusC;
        const state = new Uint8Array(STATE_BYTES);
        const view = new DataView(state.buffer);
        // Wall time lets the clock run on during the move; a clock that is not the host's stands still meanwhile.
        const at = this.#reference.absolute ? this.#baseAt : 0;
        view.setFloat64(0, this.#reference.absolute ? this.#baseMs : this.now());
        view.setFloat64(8, at);
        state[16] = this.#index;
        state.set(this.#cmos, 17);
        return state;
      },
      load: (state, version) => {
        if (version !== 1) throw new Error(`${name}: version ${version} is not known`);
        if (state.length !== STATE_BYTES) {
          throw new Error(`${name}: ${state.length} bytes instead of ${STATE_BYTES}`);
        }
        const view = new DataView(state.buffer, state.byteOffset, state.length);
        const baseMs = view.getFloat64(0);
        const baseAt = view.getFloat64(8);
        if (!Number.isFinite(baseMs) || !Number.isFinite(baseAt))
          throw new Error(`${name}: the time is no number`);
        this.#baseMs = baseMs;
        this.#baseAt = this.#reference.absolute ? baseAt : this.#reference.drivenMs();
        this.#index = state[16]! & 0x7f;
        this.#cmos.set(state.subarray(17));
        this.#flags.value = this.#cmos[RtcRegister.STATUS_C]!;
        this.#flagsAt = this.#reference.drivenMs();
        this.#flags.beginPeriod(this.#flagsAt);
      },
    };
  }

  get #running(): boolean {
    return (
      (this.#cmos[RtcRegister.STATUS_B]! & RtcStatusB.SET) === 0 &&
      (this.#cmos[RtcRegister.STATUS_A]! & RtcStatusA.DIVIDER) <= RtcStatusA.DIVIDER_RUNNING
    );
  }

  #readData(): number {
    const index = this.#dataIndex();
    if (TIME_REGISTERS.has(index)) this.#refresh();
    const value = this.#cmos[index]!;
    if (index === RtcRegister.STATUS_A && this.#running && this.#fraction() >= 1000 - UPDATE_MS) {
      return value | RtcStatusA.UPDATE_IN_PROGRESS;
    }
    if (index === RtcRegister.STATUS_C) return this.#takeStatusC();
    return value;
  }

  #writeData(byte: number): void {
    const index = this.#dataIndex();
    switch (index) {
      case RtcRegister.STATUS_A:
        this.#writeStatusA(byte);
        break;
      case RtcRegister.STATUS_B:
        this.#writeStatusB(byte);
        break;
      case RtcRegister.STATUS_C:
      case RtcRegister.STATUS_D:
        break;
      default:
        if (ALARM_REGISTERS.has(index) || TIME_REGISTERS.has(index)) this.#settle();
        this.#cmos[index] = byte;
        if (TIME_REGISTERS.has(index) && this.#running) this.#adopt(0);
    }
  }

  #writeStatusA(byte: number): void {
    const before = this.#cmos[RtcRegister.STATUS_A]!;
    this.#refresh();
    this.#settle();
    this.#cmos[RtcRegister.STATUS_A] = byte & ~RtcStatusA.UPDATE_IN_PROGRESS;
    const wasReset = (before & RtcStatusA.RESET) === RtcStatusA.RESET;
    if (wasReset || (before & RtcStatusA.RATE) !== (byte & RtcStatusA.RATE)) {
      this.#flags.beginPeriod(this.#flagsAt);
    }
    // When the divider leaves reset, the first second is half over.
    if (wasReset && this.#running) this.#adopt(500);
  }

  #writeStatusB(byte: number): void {
    const before = this.#cmos[RtcRegister.STATUS_B]!;
    this.#refresh();
    this.#settle();
    const fraction = this.#fraction();
    // What the guest wrote while it held the clock is in the mode that it held it in.
    const held = this.#fields();
    const sets = (byte & RtcStatusB.SET) !== 0;
    // A guest that holds the clock is not told that an update has ended.
    this.#cmos[RtcRegister.STATUS_B] = sets ? byte & ~RtcStatusB.UPDATE_ENDED : byte;
    if ((before & RtcStatusB.PERIODIC) === 0) this.#flags.beginPeriod(this.#flagsAt);
    if ((before & RtcStatusB.SET) !== 0 && this.#running) this.#adopt(fraction, held);
  }

  /** Brings the interrupt flags up to now. */
  #settle(): void {
    const nowMs = this.#reference.drivenMs();
    const secondAt = (drivenMs: number) => Math.floor((this.#baseMs + drivenMs - this.#baseAt) / 1000);
    this.#flags.advance({
      statusA: this.#cmos[RtcRegister.STATUS_A]!,
      statusB: this.#cmos[RtcRegister.STATUS_B]!,
      fromSecond: secondAt(this.#flagsAt),
      toSecond: secondAt(nowMs),
      alarm: this.#alarm(),
      nowMs,
    });
    this.#flagsAt = nowMs;
  }

  get #statusC(): number {
    const flags = this.#flags.value;
    return (flags & this.#cmos[RtcRegister.STATUS_B]!) === 0 ? flags : flags | RtcStatusC.INTERRUPT;
  }

  /** Who reads status C has heard the interrupts. */
  #takeStatusC(): number {
    this.#settle();
    const value = this.#statusC;
    this.#flags.value = 0;
    return value;
  }

  #dataIndex(): number {
    return this.#index === RtcRegister.CENTURY_PS2 ? RtcRegister.CENTURY : this.#index;
  }

  /** The guest's present second, in milliseconds; before 1970 the one to come, since QEMU cuts a quotient towards zero. */
  #second(): number {
    return Math.trunc(this.now() / 1000) * 1000;
  }

  /** Milliseconds into the guest's present second; before 1970 none or fewer. */
  #fraction(): number {
    return this.now() - this.#second();
  }

  /** Takes what the registers say for the time, `fraction` milliseconds into their second, and reports it. */
  #adopt(fraction: number, fields = this.#fields()): void {
    this.#setBase(utcSeconds(fields) * 1000 + fraction);
    this.#onChange(this.#reference.offsetOf(fields));
    // The 30th of February has become a day in March, and shows as such before the next register is written.
    this.#refresh();
  }

  #setBase(ms: number): void {
    this.#baseMs = ms - SPAN_MS * Math.round(ms / SPAN_MS);
    this.#baseAt = this.#reference.drivenMs();
  }

  /** Brings the time registers up to now, unless the guest holds them. */
  #refresh(): void {
    if (this.#running) this.#store(utcFields(new Date(this.#second())));
  }

  get #binary(): boolean {
    return (this.#cmos[RtcRegister.STATUS_B]! & RtcStatusB.BINARY) !== 0;
  }

  get #hours24(): boolean {
    return (this.#cmos[RtcRegister.STATUS_B]! & RtcStatusB.HOURS_24) !== 0;
  }

  /** A register as a number; -1 for one that says "any". */
  #decode(register: number): number {
    const value = this.#cmos[register]!;
    if (value >= RTC_ANY) return -1;
    return this.#binary ? value : fromBcd(value);
  }

  #decodeHours(value: number): number {
    const hours = this.#binary ? value & 0x7f : fromBcd(value & 0x7f);
    return this.#hours24 ? hours : (hours % 12) + ((value & 0x80) !== 0 ? 12 : 0);
  }

  #fields(): RtcFields {
    return {
      year: this.#decode(RtcRegister.CENTURY) * 100 + this.#decode(RtcRegister.YEAR),
      month: this.#decode(RtcRegister.MONTH) - 1,
      day: this.#decode(RtcRegister.DAY_OF_MONTH),
      hours: this.#decodeHours(this.#cmos[RtcRegister.HOURS]!),
      minutes: this.#decode(RtcRegister.MINUTES),
      seconds: this.#decode(RtcRegister.SECONDS),
    };
  }

  #alarm(): RtcAlarm {
    const field = (register: number) => {
      const value = this.#decode(register);
      return value < 0 ? undefined : value;
    };
    const hours = this.#cmos[RtcRegister.HOURS_ALARM]!;
    return {
      hours: hours >= RTC_ANY ? undefined : this.#decodeHours(hours),
      minutes: field(RtcRegister.MINUTES_ALARM),
      seconds: field(RtcRegister.SECONDS_ALARM),
    };
  }

  #store(fields: RtcFields): void {
    const cmos = this.#cmos;
    const encode = (value: number) => (this.#binary ? value : toBcd(value));
    const { year, month, day, hours, minutes, seconds } = fields;
    cmos[RtcRegister.SECONDS] = encode(seconds);
    cmos[RtcRegister.MINUTES] = encode(minutes);
    cmos[RtcRegister.HOURS] = this.#hours24
      ? encode(hours)
      : encode(hours % 12 === 0 ? 12 : hours % 12) | (hours >= 12 ? 0x80 : 0);
    cmos[RtcRegister.DAY_OF_WEEK] = encode(new Date(utcSeconds(fields) * 1000).getUTCDay() + 1);
    cmos[RtcRegister.DAY_OF_MONTH] = encode(day);
    cmos[RtcRegister.MONTH] = encode(month + 1);
    cmos[RtcRegister.YEAR] = encode(year % 100);
    cmos[RtcRegister.CENTURY] = encode(Math.floor(year / 100));
  }
}
