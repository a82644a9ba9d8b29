import { RTC_PORT, RtcRegister, RtcStatusB, toBcd } from '../rtc/registers.js';
import { type GuestPorts, readByte, writeByte } from './guest-ports.js';

/** Sets the RTC to `date` (UTC) in the way of an operating system: updates off, all fields, updates on. */
export function setClock(ports: GuestPorts, date: Date): void {
  const statusB = readCmos(ports, RtcRegister.STATUS_B);
  const encode = (statusB & RtcStatusB.BINARY) !== 0 ? (value: number) => value : toBcd;
  writeCmos(ports, RtcRegister.STATUS_B, statusB | RtcStatusB.SET);
  writeCmos(ports, RtcRegister.SECONDS, encode(date.getUTCSeconds()));
  writeCmos(ports, RtcRegister.MINUTES, encode(date.getUTCMinutes()));
  writeCmos(ports, RtcRegister.HOURS, encodeHours(date.getUTCHours(), statusB, encode));
  writeCmos(ports, RtcRegister.DAY_OF_WEEK, encode(date.getUTCDay() + 1));
  writeCmos(ports, RtcRegister.DAY_OF_MONTH, encode(date.getUTCDate()));
  writeCmos(ports, RtcRegister.MONTH, encode(date.getUTCMonth() + 1));
  writeCmos(ports, RtcRegister.YEAR, encode(date.getUTCFullYear() % 100));
  writeCmos(ports, RtcRegister.CENTURY, encode(Math.floor(date.getUTCFullYear() / 100)));
  writeCmos(ports, RtcRegister.STATUS_B, statusB & ~RtcStatusB.SET);
}

function encodeHours(hours: number, statusB: number, encode: (value: number) => number): number {
  if ((statusB & RtcStatusB.HOURS_24) !== 0) return encode(hours);
  return encode(hours % 12 === 0 ? 12 : hours % 12) | (hours >= 12 ? 0x80 : 0);
}

function readCmos(ports: GuestPorts, register: number): number {
  writeByte(ports, RTC_PORT, register);
  return readByte(ports, RTC_PORT + 1);
}

function writeCmos(ports: GuestPorts, register: number, value: number): void {
  writeByte(ports, RTC_PORT, register);
  writeByte(ports, RTC_PORT + 1, value);
}
