import type { IntegerName } from './descriptor.js';

/** What an integer type holds, and how a server names it when a value does not fit. */
export interface IntegerType {
  readonly signed: boolean;
  readonly min: bigint;
  readonly max: bigint;
  /** The name in error texts. */
  readonly label: string;
  /** Whether the type is represented as a bigint, because a number would lose digits. */
  readonly wide: boolean;
}

const signed = (bits: number, label: string): IntegerType => ({
  signed: true,
  min: -(2n ** BigInt(bits - 1)),
  max: 2n ** BigInt(bits - 1) - 1n,
  label,
  wide: bits === 64,
});

const unsigned = (bits: number, label: string): IntegerType => ({
  signed: false,
  min: 0n,
  max: 2n ** BigInt(bits) - 1n,
  label,
  wide: bits === 64,
});

export const integerTypes: Readonly<Record<IntegerName, IntegerType>> = {
  int: signed(64, 'int64'),
  int8: signed(8, 'int8_t'),
  int16: signed(16, 'int16_t'),
  int32: signed(32, 'int32_t'),
  int64: signed(64, 'int64'),
  uint8: unsigned(8, 'uint8_t'),
  uint16: unsigned(16, 'uint16_t'),
  uint32: unsigned(32, 'uint32_t'),
  uint64: unsigned(64, 'uint64'),
  size: unsigned(64, 'uint64'),
};

/** The ranges of i64 and u64, beyond which an integer literal is a double. */
export const int64 = integerTypes.int64;
export const uint64 = integerTypes.uint64;

export function isIntegerName(name: string): name is IntegerName {
  return Object.hasOwn(integerTypes, name);
}
