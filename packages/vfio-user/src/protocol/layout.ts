import { VfioError } from '@godwit/vfio';

/** Unsigned, little-endian. `u64` is a number: a value above 2^53 - 1 is refused. `wide` is a bigint. */
export type FieldType = 'u16' | 'u32' | 'u64' | 'wide';

type Fields = Readonly<Record<string, FieldType>>;

/** What a record of these fields is in TypeScript. */
export type RecordOf<F extends Fields> = { [Name in keyof F]: F[Name] extends 'wide' ? bigint : number };

const SIZES: Readonly<Record<FieldType, number>> = { u16: 2, u32: 4, u64: 8, wide: 8 };

interface Placed {
  readonly name: string;
  readonly type: FieldType;
  readonly offset: number;
}

/** A packed record on the wire: fields in order, without padding. */
export class Layout<const F extends Fields> {
  /** Bytes of a record. */
  readonly size: number;
  readonly #fields: readonly Placed[];

  constructor(fields: F) {
    let offset = 0;
    const placed: Placed[] = [];
    for (const [name, type] of Object.entries(fields)) {
      placed.push({ name, type, offset });
      offset += SIZES[type];
    }
    this.#fields = placed;
    this.size = offset;
  }

  /** Reads the record at `at`. EINVAL: the bytes end before it does, or a number is too large. */
  read(bytes: Buffer, at = 0): RecordOf<F> {
    if (at + this.size > bytes.length) {
      throw new VfioError('EINVAL', `a record of ${this.size} bytes is cut off at ${bytes.length - at}`);
    }
    const record: Record<string, number | bigint> = {};
    for (const { name, type, offset } of this.#fields) {
      record[name] = readField(bytes, at + offset, name, type);
    }
    return record as RecordOf<F>;
  }

  /** Writes the record at `at`; returns the offset after it. */
  write(bytes: Buffer, record: RecordOf<F>, at = 0): number {
    for (const { name, type, offset } of this.#fields) {
      writeField(bytes, at + offset, type, (record as Record<string, number | bigint>)[name]!);
    }
    return at + this.size;
  }

  /** The record as bytes of its own, followed by `extra` bytes that are not initialised. */
  encode(record: RecordOf<F>, extra = 0): Buffer {
    const bytes = Buffer.allocUnsafe(this.size + extra);
    this.write(bytes, record);
    return bytes;
  }
}

function readField(bytes: Buffer, at: number, name: string, type: FieldType): number | bigint {
  switch (type) {
    case 'u16':
      return bytes.readUInt16LE(at);
    case 'u32':
      return bytes.readUInt32LE(at);
    case 'wide':
      return bytes.readBigUInt64LE(at);
    case 'u64': {
      const high = bytes.readUInt32LE(at + 4);
      if (high >= 0x20_0000) throw new VfioError('EINVAL', `the field ${name} is above 2^53 - 1`);
      return high * 2 ** 32 + bytes.readUInt32LE(at);
    }
  }
}

function writeField(bytes: Buffer, at: number, type: FieldType, value: number | bigint): void {
  switch (type) {
    case 'u16':
      bytes.writeUInt16LE(value as number, at);
      break;
    case 'u32':
      bytes.writeUInt32LE(value as number, at);
      break;
    case 'wide':
      bytes.writeBigUInt64LE(value as bigint, at);
      break;
    case 'u64':
      bytes.writeUInt32LE((value as number) % 2 ** 32, at);
      bytes.writeUInt32LE(Math.floor((value as number) / 2 ** 32), at + 4);
      break;
  }
}
