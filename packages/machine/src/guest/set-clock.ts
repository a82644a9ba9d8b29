import { RTC_PORT, RtcRegister, RtcStatusB, toBcd } from '../rtc/registers.js';
import { type GuestBus, readByte, writeByte } from './guest-bus.js';

/** Sets the RTC to `date` (UTC) in the way of an operating system: updates off, all fields, updates on. */
export function setClock(bus: GuestBus, date: Date): void {
  const statusB = readCmos(bus, RtcRegister.STATUS_B);
  const encode = (statusB & RtcStatusB.BINARY) !== 0 ? (value: number) => value : toBcd;
  writeCmos(bus, RtcRegister.STATUS_B, statusB | RtcStatusB.SET);
  writeCmos(bus, RtcRegister.SECONDS, encode(date.getUTCSeconds()));
  writeCmos(bus, RtcRegister.MINUTES, encode(date.getUTCMinutes()));
  writeCmos(bus, RtcRegister.HOURS, encodeHours(date.getUTCHours(), statusB, encode));
  writeCmos(bus, RtcRegister.DAY_OF_WEEK, encode(date.getUTCDay() + 1));
  writeCmos(bus, RtcRegister.DAY_OF_MONTH, encode(date.getUTCDate()));
  writeCmos(bus, RtcRegister.MONTH, encode(date.getUTCMonth() + 1));
  writeCmos(bus, RtcRegister.YEAR, encode(date.getUTCFullYear() % 100));
  writeCmos(bus, RtcRegister.CENTURY, encode(Math.floor(date.getUTCFullYear() / 100)));
  writeCmos(bus, RtcRegister.STATUS_B, statusB & ~RtcStatusB.SET);
}

function encodeHours(hours: number, statusB: number, encode: (value: number) => number): number {
  if ((statusB & RtcStatusB.HOURS_24) !== 0) return encode(hours);
  return encode(hours % 12 === 0 ? 12 : hours % 12) | (hours >= 12 ? 0x80 : 0);
}

function readCmos(bus: GuestBus, register: number): number {
  writeByte(bus, RTC_PORT, register);
  return readByte(bus, RTC_PORT + 1);
}

function writeCmos(bus: GuestBus, register: number, value: number): void {
  writeByte(bus, RTC_PORT, register);
  writeByte(bus, RTC_PORT + 1, value);
}
