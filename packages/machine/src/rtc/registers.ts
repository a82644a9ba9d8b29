/** The index port; the data port follows it. */
export const RTC_PORT = 0x70;
export const RTC_PORTS = 2;

/** The interrupt of the PC that it is wired to. */
export const RTC_IRQ = 8;

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
  SHUTDOWN_STATUS: 0x0f,
  CENTURY: 0x32,
  CENTURY_PS2: 0x37,
} as const;

/** The divider runs up to `DIVIDER_RUNNING` and is held in reset when both bits of `RESET` are set. */
export const RtcStatusA = {
  UPDATE_IN_PROGRESS: 0x80,
  DIVIDER: 0x70,
  DIVIDER_RUNNING: 0x20,
  RESET: 0x60,
  RATE: 0x0f,
} as const;

/** The interrupts that status B enables have the places of their flags in status C. */
export const RtcStatusB = {
  SET: 0x80,
  PERIODIC: 0x40,
  ALARM: 0x20,
  UPDATE_ENDED: 0x10,
  SQUARE_WAVE: 0x08,
  BINARY: 0x04,
  HOURS_24: 0x02,
} as const;

export const RtcStatusC = { INTERRUPT: 0x80, PERIODIC: 0x40, ALARM: 0x20, UPDATE_ENDED: 0x10 } as const;

export const RtcStatusD = { VALID: 0x80 } as const;

/** With both upper bits set, a value says in an alarm that any will do, and is no time at all. */
export const RTC_ANY = 0xc0;

/** What the shutdown status says of a guest that suspended itself; a reset leaves it. */
export const RTC_RESUME = 0xfe;

export function toBcd(value: number): number {
  return (Math.floor(value / 10) << 4) | (value % 10);
}

export function fromBcd(value: number): number {
  return (value >> 4) * 10 + (value & 0x0f);
}
