import { JsonDouble } from './value.js';

const smallestInt64 = -(2n ** 63n);
const largestUint64 = 2n ** 64n - 1n;

/** The value of an integer token: exact within i64 and u64, else a double. */
export function integerValue(text: string): number | bigint | JsonDouble {
  // No integer that is not safe rounds to one that is, so that the number itself can tell.
  if (text.length <= 17) {
    const value = Number(text);
    // `-0` is the integer 0.
    if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  }
  // 2^64 has 20 digits: what is longer needs no arithmetic, however long it is.
  if (text.length <= 20) {
    const value = BigInt(text);
    if (value >= smallestInt64 && value <= largestUint64) return value;
  }
  return new JsonDouble(Number(text), text);
}

export function doubleValue(text: string): JsonDouble {
  return new JsonDouble(Number(text), text);
}
