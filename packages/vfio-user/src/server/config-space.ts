import type { ServedRegion } from './function.js';
import type { Interrupts } from './interrupts.js';

/** How a PCI function presents itself. */
export interface PciIdentity {
  readonly vendorId: number;
  readonly deviceId: number;
  readonly subsystemVendorId?: number;
  readonly subsystemId?: number;
  /** 24 bits: class, subclass, programming interface. */
  readonly classCode: number;
  readonly revision?: number;
}

/** A memory BAR that the guest places; its size is a power of two of at least 16 bytes. */
export interface ConfigBar {
  readonly index: number;
  readonly size: number;
  /** A 64-bit BAR takes the next index too. */
  readonly wide?: boolean;
}

export interface MsixLayout {
  readonly vectors: number;
  /** The BAR that table and pending bits are in, and where. */
  readonly bar: number;
  readonly tableOffset: number;
  readonly pendingOffset: number;
}

/** A capability of the list that begins at 0x34; what it does is up to the device. */
export interface PciCapability {
  readonly id: number;
  /** What follows the id and the link to the next. */
  readonly bytes: Uint8Array;
  /** Which bits of them can be written, each where it is set. Default: none. */
  readonly writable?: Uint8Array;
}

export interface ConfigSpaceOptions {
  readonly identity: PciIdentity;
  readonly bars: readonly ConfigBar[];
  /** INTA is there. */
  readonly intx: boolean;
  /** MSI vectors: a power of two up to 32; 0: no MSI. */
  readonly msi: number;
  readonly msix?: MsixLayout;
  /** Beside those for interrupts, and behind them. */
  readonly capabilities?: readonly PciCapability[];
}

const CONFIG_SPACE_SIZE = 256;

/** Registers of the standard header (PCI 3.0, chapter 6). */
const Register = {
  VENDOR: 0x00,
  DEVICE: 0x02,
  COMMAND: 0x04,
  STATUS: 0x06,
  REVISION: 0x08,
  CLASS: 0x09,
  CACHE_LINE: 0x0c,
  LATENCY: 0x0d,
  BAR: 0x10,
  SUBSYSTEM_VENDOR: 0x2c,
  SUBSYSTEM: 0x2e,
  CAPABILITIES: 0x34,
  INTERRUPT_LINE: 0x3c,
  INTERRUPT_PIN: 0x3d,
  FIRST_CAPABILITY: 0x40,
} as const;

const STATUS_INTERRUPT = 0x08;
const STATUS_CAPABILITIES = 0x10;
const COMMAND_INTERRUPT_DISABLE = 0x0400;
/** IO, memory, master, parity, SERR, interrupt disable. */
const COMMAND_WRITABLE = 0x0547;
const BAR_64 = 0x4;
const CAPABILITY_MSI = 0x05;
const CAPABILITY_MSIX = 0x11;
const MSI_64 = 0x80;

/** A type 0 configuration space with its capabilities: what the guest may write is kept, the rest stays as it is. */
export class ConfigSpace implements ServedRegion {
  readonly size = CONFIG_SPACE_SIZE;
  readonly bytes = Buffer.alloc(CONFIG_SPACE_SIZE);
  /** A set bit can be written. */
  readonly #writable = Buffer.alloc(CONFIG_SPACE_SIZE);
  readonly #initial: Buffer;
  #interrupts: Interrupts | undefined;

  constructor(options: ConfigSpaceOptions) {
    const { identity } = options;
    const { bytes } = this;
    bytes.writeUInt16LE(identity.vendorId, Register.VENDOR);
    bytes.writeUInt16LE(identity.deviceId, Register.DEVICE);
    this.#writable.writeUInt16LE(COMMAND_WRITABLE, Register.COMMAND);
    bytes.writeUInt8(identity.revision ?? 0, Register.REVISION);
    bytes.writeUIntLE(identity.classCode, Register.CLASS, 3);
    this.#writable.writeUInt8(0xff, Register.CACHE_LINE);
    this.#writable.writeUInt8(0xff, Register.LATENCY);
    for (const bar of options.bars) this.#addBar(bar);
    bytes.writeUInt16LE(identity.subsystemVendorId ?? identity.vendorId, Register.SUBSYSTEM_VENDOR);
    bytes.writeUInt16LE(identity.subsystemId ?? identity.deviceId, Register.SUBSYSTEM);
    this.#writable.writeUInt8(0xff, Register.INTERRUPT_LINE);
    bytes.writeUInt8(options.intx ? 1 : 0, Register.INTERRUPT_PIN);

    let at: number = Register.FIRST_CAPABILITY;
    let link: number = Register.CAPABILITIES;
    const add = (length: number, fill: (start: number) => void) => {
      if (at + length > CONFIG_SPACE_SIZE) throw new RangeError('the capabilities do not fit in 256 bytes');
      bytes.writeUInt16LE(STATUS_CAPABILITIES, Register.STATUS);
      bytes.writeUInt8(at, link);
      fill(at);
      link = at + 1;
      at += (length + 3) & ~3;
    };
    if (options.msi > 0) add(14, (start) => this.#addMsi(start, options.msi));
    const { msix } = options;
    if (msix !== undefined) add(12, (start) => this.#addMsix(start, msix));
    for (const { id, bytes: own, writable } of options.capabilities ?? []) {
      add(2 + own.length, (start) => {
        bytes.writeUInt8(id, start);
        bytes.set(own, start + 2);
        this.#writable.set(writable?.subarray(0, own.length) ?? [], start + 2);
      });
    }
    this.#initial = Buffer.from(bytes);
  }

  /** The interrupts that the command register enables and the status register shows. */
  attach(interrupts: Interrupts): void {
    this.#interrupts = interrupts;
  }

  read(offset: number, into: Uint8Array): void {
    const status = this.bytes[Register.STATUS]! & ~STATUS_INTERRUPT;
    this.bytes[Register.STATUS] = status | (this.#interrupts?.intxPending ? STATUS_INTERRUPT : 0);
    into.set(this.bytes.subarray(offset, offset + into.length));
  }

  write(offset: number, from: Uint8Array): void {
    for (const [index, value] of from.entries()) {
      const mask = this.#writable[offset + index]!;
      this.bytes[offset + index] = (this.bytes[offset + index]! & ~mask) | (value & mask);
    }
    this.#enableIntx();
  }

  reset(): void {
    this.#initial.copy(this.bytes);
    this.#enableIntx();
  }

  #enableIntx(): void {
    const command = this.bytes.readUInt16LE(Register.COMMAND);
    this.#interrupts?.setIntxDisabled((command & COMMAND_INTERRUPT_DISABLE) !== 0);
  }

  #addBar({ index, size, wide }: ConfigBar): void {
    if (size < 16 || !Number.isInteger(Math.log2(size))) {
      throw new RangeError(`BAR ${index}: a size is a power of two of at least 16 bytes, not ${size}`);
    }
    const at = Register.BAR + 4 * index;
    // Sizing writes ones: the bits below the size stay zero.
    const mask = (2n ** 64n - BigInt(size)) & 0xffff_ffff_ffff_fff0n;
    this.#writable.writeUInt32LE(Number(mask & 0xffff_ffffn), at);
    if (!wide) return;
    this.bytes.writeUInt32LE(BAR_64, at);
    this.#writable.writeUInt32LE(Number(mask >> 32n), at + 4);
  }

  #addMsi(at: number, vectors: number): void {
    const exponent = Math.log2(vectors);
    if (!Number.isInteger(exponent) || exponent > 5) {
      throw new RangeError(`MSI has 1 to 32 vectors, a power of two, not ${vectors}`);
    }
    this.bytes.writeUInt8(CAPABILITY_MSI, at);
    this.bytes.writeUInt16LE(MSI_64 | (exponent << 1), at + 2);
    // Enable and the number of vectors; address and data.
    this.#writable.writeUInt16LE(0x71, at + 2);
    this.#writable.writeUInt32LE(0xffff_fffc, at + 4);
    this.#writable.writeUInt32LE(0xffff_ffff, at + 8);
    this.#writable.writeUInt16LE(0xffff, at + 12);
  }

  #addMsix(at: number, { vectors, bar, tableOffset, pendingOffset }: MsixLayout): void {
    this.bytes.writeUInt8(CAPABILITY_MSIX, at);
    this.bytes.writeUInt16LE(vectors - 1, at + 2);
    this.#writable.writeUInt16LE(0xc000, at + 2);
    this.bytes.writeUInt32LE(tableOffset | bar, at + 4);
    this.bytes.writeUInt32LE(pendingOffset | bar, at + 8);
  }
}
