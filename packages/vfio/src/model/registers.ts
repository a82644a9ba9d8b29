import { VfioError } from '../error.js';

/** How the guest may use a register; the device itself reads and writes all of them. */
export type RegisterAccess =
  /** The guest's writes are ignored. */
  | 'read'
  | 'read-write'
  /** The guest reads zero: a doorbell, or a secret. */
  | 'write';

/** A 32-bit register, little-endian, at a byte offset of the register region that is a multiple of 4. */
export interface RegisterDefinition {
  readonly offset: number;
  readonly access: RegisterAccess;
  readonly description: string;
}

export type RegisterTable = Readonly<Record<string, RegisterDefinition>>;

/** The region that holds the registers of every model. */
export const REGISTER_REGION_SIZE = 4096;

/** A device's registers. All of a device's state beside its memory is here, so that saving these saves it. */
export class Registers<Name extends string = string> {
  readonly #table: RegisterTable;
  /** By offset; the guest sees of them what the access says. */
  readonly #words = new Uint32Array(REGISTER_REGION_SIZE / 4);
  readonly #definitions = new Map<number, { name: string; access: RegisterAccess }>();

  constructor(table: Readonly<Record<Name, RegisterDefinition>>) {
    this.#table = table;
    for (const [name, { offset, access }] of Object.entries<RegisterDefinition>(table)) {
      this.#definitions.set(offset / 4, { name, access });
    }
  }

  get(name: Name): number {
    return this.#words[this.#table[name]!.offset / 4]!;
  }

  set(name: Name, value: number): void {
    this.#words[this.#table[name]!.offset / 4] = value;
  }

  add(name: Name, amount: number): void {
    this.set(name, this.get(name) + amount);
  }

  /** A 64-bit value of a register and the one that follows it, low half first; exact below 2^53. */
  getWide(low: Name): number {
    const index = this.#table[low]!.offset / 4;
    return this.#words[index]! + this.#words[index + 1]! * 2 ** 32;
  }

  setWide(low: Name, value: number): void {
    const index = this.#table[low]!.offset / 4;
    this.#words[index] = value % 2 ** 32;
    this.#words[index + 1] = Math.floor(value / 2 ** 32);
  }

  clear(): void {
    this.#words.fill(0);
  }

  /** What a guest reads: any offset and length of the region; what no register covers is zero. */
  guestRead(offset: number, into: Uint8Array): void {
    checkAccess(offset, into.length);
    for (let at = 0; at < into.length; at++) {
      const index = (offset + at) >>> 2;
      const definition = this.#definitions.get(index);
      const visible = definition === undefined || definition.access === 'write' ? 0 : this.#words[index]!;
      into[at] = visible >>> (((offset + at) & 3) * 8);
    }
  }

  /** What a guest writes: whole registers. Returns the names of those that took the value, in order. */
  guestWrite(offset: number, from: Uint8Array): string[] {
    checkAccess(offset, from.length);
    if (offset % 4 !== 0 || from.length % 4 !== 0) {
      throw new VfioError(
        'EINVAL',
        `a register write of ${from.length} bytes at offset ${offset} is not aligned to 4`,
      );
    }
    const view = new DataView(from.buffer, from.byteOffset, from.byteLength);
    const written: string[] = [];
    for (let at = 0; at < from.length; at += 4) {
      const index = (offset + at) / 4;
      const definition = this.#definitions.get(index);
      if (definition === undefined || definition.access === 'read') continue;
      this.#words[index] = view.getUint32(at, true);
      written.push(definition.name);
    }
    return written;
  }

  /** Bytes that {@link save} returns. */
  get savedSize(): number {
    return this.#definitions.size * 4;
  }

  /** Every register, in the order of the table, little-endian. */
  save(into: DataView, at: number): void {
    let offset = at;
    for (const index of this.#definitions.keys()) {
      into.setUint32(offset, this.#words[index]!, true);
      offset += 4;
    }
  }

  load(from: DataView, at: number): void {
    let offset = at;
    for (const index of this.#definitions.keys()) {
      this.#words[index] = from.getUint32(offset, true);
      offset += 4;
    }
  }
}

function checkAccess(offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > REGISTER_REGION_SIZE) {
    throw new VfioError('EINVAL', `${length} bytes at offset ${offset} are outside of the register region`);
  }
}
