import type { StateSection } from '@godwit/migration';
import type { BusHandler } from '../memory/bus.js';
import {
  FifoControl,
  InterruptEnable,
  InterruptId,
  LineControl,
  LineStatus,
  ModemControl,
  ModemStatus,
  SerialRegister,
} from './registers.js';

const FIFO_BYTES = 16;
/** Registers that are plain memory, in the order of the saved state. */
const KEPT = [
  'interruptEnable',
  'lineControl',
  'modemControl',
  'scratch',
  'divisorLow',
  'divisorHigh',
  'fifo',
] as const;
const STATE_BYTES = KEPT.length + 2;

export interface SerialOptions {
  /** Takes what the guest sends, at once; a character device that cannot, drops or queues by its own rules. */
  readonly transmit: (bytes: Uint8Array) => void;
  /** There is something for the guest to read; what the interrupt would tell it. */
  readonly onReceive?: () => void;
}

/**
 * A 16550A at COM1 as far as a polling driver needs it: transmit (always ready), receive with a FIFO of 16 bytes, loopback.
 * Interrupts are shown in the identification register and raised nowhere.
 */
export class Serial16550 implements BusHandler {
  readonly #transmit: (bytes: Uint8Array) => void;
  readonly #onReceive: (() => void) | undefined;
  readonly #kept = new Uint8Array(KEPT.length);
  #received: number[] = [];
  /** Conditions of the line (overrun, break) that are shown until they are read. */
  #conditions = 0;

  constructor({ transmit, onReceive }: SerialOptions) {
    this.#transmit = transmit;
    this.#onReceive = onReceive;
    this.#set('divisorLow', 12);
    this.#set('modemControl', ModemControl.OUT2);
  }

  /** How many bytes {@link receive} would take now. */
  get receivable(): number {
    return (this.#fifoEnabled ? FIFO_BYTES : 1) - this.#received.length;
  }

  /** Hands bytes to the guest; returns how many there was room for. */
  receive(bytes: Uint8Array): number {
    if (this.#loopback) return 0;
    const taken = Math.min(bytes.length, this.receivable);
    this.#received.push(...bytes.subarray(0, taken));
    if (this.#received.length > 0) this.#onReceive?.();
    return taken;
  }

  /** The line is held in its break condition: a zero byte with {@link LineStatus.BREAK}. */
  receiveBreak(): void {
    if (this.#loopback) return;
    if (this.receivable > 0) this.#received.push(0);
    else this.#conditions |= LineStatus.OVERRUN;
    this.#conditions |= LineStatus.BREAK;
    this.#onReceive?.();
  }

  read(offset: number, into: Uint8Array): void {
    for (let index = 0; index < into.length; index++) into[index] = this.#readRegister(offset);
  }

  write(offset: number, from: Uint8Array): void {
    if (offset === SerialRegister.DATA && !this.#divisorLatch && !this.#loopback)
      this.#transmit(from.slice());
    else for (const byte of from) this.#writeRegister(offset, byte);
  }

  section(name = 'serial'): StateSection {
    return {
      name,
      version: 1,
      save: () =>
        Uint8Array.of(
          ...this.#kept,
          savedConditions(this.#conditions),
          this.#received.length,
          ...this.#received,
        ),
      load: (state, version) => {
        if (version !== 1) throw new Error(`${name}: version ${version} is not known`);
        const count = state[STATE_BYTES - 1];
        if (count === undefined || count > FIFO_BYTES || state.length !== STATE_BYTES + count) {
          throw new Error(`${name}: ${state.length} bytes do not make up a state`);
        }
        this.#kept.set(state.subarray(0, KEPT.length));
        this.#conditions = loadedConditions(state[KEPT.length]!);
        this.#received = [...state.subarray(STATE_BYTES)];
      },
    };
  }

  #readRegister(offset: number): number {
    switch (offset) {
      case SerialRegister.DATA:
        return this.#divisorLatch ? this.#get('divisorLow') : (this.#received.shift() ?? 0);
      case SerialRegister.INTERRUPT_ENABLE:
        return this.#get(this.#divisorLatch ? 'divisorHigh' : 'interruptEnable');
      case SerialRegister.INTERRUPT_ID:
        return this.#interrupt | (this.#fifoEnabled ? InterruptId.FIFO_ENABLED : 0);
      case SerialRegister.LINE_CONTROL:
        return this.#get('lineControl');
      case SerialRegister.MODEM_CONTROL:
        return this.#get('modemControl');
      case SerialRegister.LINE_STATUS:
        return this.#readLineStatus();
      case SerialRegister.MODEM_STATUS:
        return this.#modemStatus();
      default:
        return this.#get('scratch');
    }
  }

  #writeRegister(offset: number, byte: number): void {
    switch (offset) {
      case SerialRegister.DATA:
        if (this.#divisorLatch) this.#set('divisorLow', byte);
        else this.#loopBack(byte);
        break;
      case SerialRegister.INTERRUPT_ENABLE:
        if (this.#divisorLatch) this.#set('divisorHigh', byte);
        else this.#set('interruptEnable', byte & 0x0f);
        break;
      case SerialRegister.INTERRUPT_ID: {
        const enable = byte & FifoControl.ENABLE;
        // Switching the FIFO on or off empties it, as does asking for it.
        if (enable !== this.#get('fifo') || (byte & FifoControl.CLEAR_RECEIVE) !== 0) this.#received = [];
        this.#set('fifo', enable);
        break;
      }
      case SerialRegister.LINE_CONTROL:
        this.#set('lineControl', byte);
        break;
      case SerialRegister.MODEM_CONTROL:
        this.#set('modemControl', byte & 0x1f);
        break;
      case SerialRegister.SCRATCH:
        this.#set('scratch', byte);
        break;
    }
  }

  #readLineStatus(): number {
    const status =
      LineStatus.THR_EMPTY |
      LineStatus.TRANSMITTER_EMPTY |
      (this.#received.length > 0 ? LineStatus.DATA_READY : 0) |
      this.#conditions;
    this.#conditions = 0;
    return status;
  }

  /** In loopback the four outputs come back as the four inputs; else a peer is there and ready. */
  #modemStatus(): number {
    if (!this.#loopback) return ModemStatus.CARRIER | ModemStatus.DSR | ModemStatus.CTS;
    const control = this.#get('modemControl');
    return (
      ((control & ModemControl.RTS) !== 0 ? ModemStatus.CTS : 0) |
      ((control & ModemControl.DTR) !== 0 ? ModemStatus.DSR : 0) |
      ((control & ModemControl.OUT1) !== 0 ? ModemStatus.RING : 0) |
      ((control & ModemControl.OUT2) !== 0 ? ModemStatus.CARRIER : 0)
    );
  }

  #loopBack(byte: number): void {
    if (this.receivable > 0) this.#received.push(byte);
    else this.#conditions |= LineStatus.OVERRUN;
  }

  /** The most urgent one that is enabled. */
  get #interrupt(): number {
    const enabled = this.#get('interruptEnable');
    if ((enabled & InterruptEnable.LINE_STATUS) !== 0 && this.#conditions !== 0)
      return InterruptId.LINE_STATUS;
    return (enabled & InterruptEnable.DATA) !== 0 && this.#received.length > 0
      ? InterruptId.DATA
      : InterruptId.NONE;
  }

  get #divisorLatch(): boolean {
    return (this.#get('lineControl') & LineControl.DIVISOR_LATCH) !== 0;
  }

  get #loopback(): boolean {
    return (this.#get('modemControl') & ModemControl.LOOPBACK) !== 0;
  }

  get #fifoEnabled(): boolean {
    return this.#get('fifo') !== 0;
  }

  #get(register: (typeof KEPT)[number]): number {
    return this.#kept[KEPT.indexOf(register)]!;
  }

  #set(register: (typeof KEPT)[number], value: number): void {
    this.#kept[KEPT.indexOf(register)] = value;
  }
}

/** Of the saved byte bit 0 is overrun, which was all there was once, and bit 1 is break. */
function savedConditions(conditions: number): number {
  return ((conditions & LineStatus.OVERRUN) !== 0 ? 1 : 0) | ((conditions & LineStatus.BREAK) !== 0 ? 2 : 0);
}

function loadedConditions(saved: number): number {
  return ((saved & 1) !== 0 ? LineStatus.OVERRUN : 0) | ((saved & 2) !== 0 ? LineStatus.BREAK : 0);
}
