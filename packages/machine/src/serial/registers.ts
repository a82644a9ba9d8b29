/** The first serial port of a PC (COM1) and the number of its ports. */
export const SERIAL_PORT = 0x3f8;
export const SERIAL_PORTS = 8;

/** Registers of a 16550A by offset; some are two, told apart by direction or by the divisor latch. */
export const SerialRegister = {
  /** Receive buffer (read), transmit holding (write), low divisor byte. */
  DATA: 0,
  /** Interrupt enable, high divisor byte. */
  INTERRUPT_ENABLE: 1,
  /** Interrupt identification (read), FIFO control (write). */
  INTERRUPT_ID: 2,
  LINE_CONTROL: 3,
  MODEM_CONTROL: 4,
  LINE_STATUS: 5,
  MODEM_STATUS: 6,
  SCRATCH: 7,
} as const;

export const LineControl = { DIVISOR_LATCH: 0x80 } as const;
export const LineStatus = {
  DATA_READY: 0x01,
  OVERRUN: 0x02,
  BREAK: 0x10,
  THR_EMPTY: 0x20,
  TRANSMITTER_EMPTY: 0x40,
} as const;
export const ModemControl = { DTR: 0x01, RTS: 0x02, OUT1: 0x04, OUT2: 0x08, LOOPBACK: 0x10 } as const;
export const ModemStatus = { CTS: 0x10, DSR: 0x20, RING: 0x40, CARRIER: 0x80 } as const;
export const FifoControl = { ENABLE: 0x01, CLEAR_RECEIVE: 0x02 } as const;
export const InterruptEnable = { DATA: 0x01, LINE_STATUS: 0x04 } as const;
export const InterruptId = { NONE: 0x01, DATA: 0x04, LINE_STATUS: 0x06, FIFO_ENABLED: 0xc0 } as const;
