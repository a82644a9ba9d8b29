/** The index port; the data port follows it. */
export const RTC_PORT = 0x70;
export const RTC_PORTS = 2;

/** Registers of the MC146818, and the two places where PCs keep the century. */
export const RtcRegister = {
  SECONDS: 0x00,
  SECONDS_ALARM: 0x01,
  MINUTES: 0x02,
  MINUTES_ALARM: 0x03,
  HOURS: 0x04,
  HOURS_ALARM: 0x05,
  DAY_OF_WEEK: 0x06,
  DAY_OF_MONTH: 0x07,
  MONTH: 0x08,
  YEAR: 0x09,
  STATUS_A: 0x0a,
  STATUS_B: 0x0b,
  STATUS_C: 0x0c,
  STATUS_D: 0x0d,
  CENTURY: 0x32,
  CENTURY_PS2: 0x37,
} as const;

export const RtcStatusA = { UPDATE_IN_PROGRESS: 0x80, DIVIDER: 0x70, DIVIDER_RUNNING: 0x20 } as const;

export const RtcStatusB = { SET: 0x80, BINARY: 0x04, HOURS_24: 0x02 } as const;

export const RtcStatusD = { VALID: 0x80 } as const;

export function toBcd(value: number): number {
  return (Math.floor(value / 10) << 4) | (value % 10);
}

export function fromBcd(value: number): number {
  return (value >> 4) * 10 + (value & 0x0f);
}
