import type { StateSection } from '@godwit/migration';
import type { BusHandler } from '../memory/bus.js';
import { type RtcFields, type RtcReference, utcFields, utcSeconds } from './reference.js';
import { fromBcd, RtcRegister, RtcStatusA, RtcStatusB, RtcStatusD, toBcd } from './registers.js';

const CMOS_BYTES = 128;
/** Before each second ends, status A shows an update in progress for 244 µs. */
const UPDATE_MS = 0.244;

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
 * The PC's clock and its CMOS memory at ports 0x70 and 0x71: time in BCD or binary, 24 or 12 hours, settable by the guest.
 * Alarm and periodic rates are kept as registers only, for no interrupt controller is there to hear them.
 */
export class Mc146818 implements BusHandler {
  readonly #reference: RtcReference;
  readonly #onChange: (offset: number) => void;
  readonly #cmos = new Uint8Array(CMOS_BYTES);
  #index = 0;
  /** The guest's time is `baseMs` at `baseAt` of the clock that drives the RTC. */
  #baseMs = 0;
  #baseAt = 0;

  constructor({ reference, onChange }: RtcOptions) {
    this.#reference = reference;
    this.#onChange = onChange;
    this.#cmos[RtcRegister.STATUS_A] = 0x26;
    this.#cmos[RtcRegister.STATUS_B] = RtcStatusB.HOURS_24;
    this.#cmos[RtcRegister.STATUS_D] = RtcStatusD.VALID;
    const fields = reference.fields();
    this.#setBase(utcSeconds(fields) * 1000);
    this.#store(fields);
  }

  /** What the guest takes for now, in milliseconds since 1970 of its own zone (`date` of the QOM object). */
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

  section(name = 'rtc'): StateSection {
    return {
      name,
      version: 1,
      save: () => {
        this.#refresh();
        const state = new Uint8Array(17 + CMOS_BYTES);
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
        if (state.length !== 17 + CMOS_BYTES) {
          throw new Error(`${name}: ${state.length} bytes instead of ${17 + CMOS_BYTES}`);
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
    if (index === RtcRegister.STATUS_C) this.#cmos[index] = 0;
    return value;
  }

  #writeData(byte: number): void {
    const index = this.#dataIndex();
    switch (index) {
      case RtcRegister.STATUS_A: {
        const stood = (this.#cmos[index]! & RtcStatusA.DIVIDER) > RtcStatusA.DIVIDER_RUNNING;
        this.#refresh();
        this.#cmos[index] = byte & ~RtcStatusA.UPDATE_IN_PROGRESS;
        // When the divider leaves reset, the first second is half over.
        if (stood && this.#running) this.#adopt(500);
        break;
      }
      case RtcRegister.STATUS_B: {
        const wasSetting = (this.#cmos[index]! & RtcStatusB.SET) !== 0;
        this.#refresh();
        const fraction = this.#fraction();
        this.#cmos[index] = byte;
        if (wasSetting && this.#running) this.#adopt(fraction);
        break;
      }
      case RtcRegister.STATUS_C:
      case RtcRegister.STATUS_D:
        break;
      default:
        this.#cmos[index] = byte;
        if (TIME_REGISTERS.has(index) && this.#running) this.#adopt(0);
    }
  }

  #dataIndex(): number {
    return this.#index === RtcRegister.CENTURY_PS2 ? RtcRegister.CENTURY : this.#index;
  }

  /** Milliseconds into the guest's present second. */
  #fraction(): number {
    const now = this.now();
    return now - Math.floor(now / 1000) * 1000;
  }

  /** Takes the registers for the time, `fraction` milliseconds into their second, and reports it. */
  #adopt(fraction: number): void {
    const fields = this.#fields();
    this.#setBase(utcSeconds(fields) * 1000 + fraction);
    this.#onChange(this.#reference.offsetOf(fields));
  }

  #setBase(ms: number): void {
    this.#baseMs = ms;
    this.#baseAt = this.#reference.drivenMs();
  }

  /** Brings the time registers up to now, unless the guest holds them. */
  #refresh(): void {
    if (this.#running) this.#store(utcFields(new Date(this.now())));
  }

  get #binary(): boolean {
    return (this.#cmos[RtcRegister.STATUS_B]! & RtcStatusB.BINARY) !== 0;
  }

  get #hours24(): boolean {
    return (this.#cmos[RtcRegister.STATUS_B]! & RtcStatusB.HOURS_24) !== 0;
  }

  #fields(): RtcFields {
    const cmos = this.#cmos;
    const decode = (register: number, mask = 0xff): number => {
      const value = cmos[register]! & mask;
      return this.#binary ? value : fromBcd(value);
    };
    let hours = decode(RtcRegister.HOURS, 0x7f);
    if (!this.#hours24) hours = (hours % 12) + ((cmos[RtcRegister.HOURS]! & 0x80) !== 0 ? 12 : 0);
    return {
      year: decode(RtcRegister.CENTURY) * 100 + decode(RtcRegister.YEAR),
      month: decode(RtcRegister.MONTH) - 1,
      day: decode(RtcRegister.DAY_OF_MONTH),
      hours,
      minutes: decode(RtcRegister.MINUTES),
      seconds: decode(RtcRegister.SECONDS),
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
