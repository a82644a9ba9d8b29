/**
 * The values that JSON text stands for, without loss.
 *
 * - An integer literal (no fraction, no exponent) is a `number` while it is safe (|n| < 2^53) and a `bigint`
 *   beyond that, up to the range of u64 and i64.
 * - Any other number (a fraction, an exponent, or an integer outside i64 and u64) is a {@link JsonDouble},
 *   which keeps its text: QMP tells `1` from `1.0`.
 * - An object has a null prototype, so that a member called `__proto__` is a member.
 */
export type JsonValue = null | boolean | string | number | bigint | JsonDouble | JsonValue[] | JsonObject;

/** Members by name. Those that are read have no prototype. */
export interface JsonObject {
  [member: string]: JsonValue;
}

/** A number that is not written as an integer in the range of i64 or u64. */
export class JsonDouble {
  readonly value: number;
  /** The literal as it was read; absent when the value was made by a program. */
  readonly text: string | undefined;

  constructor(value: number, text?: string) {
    this.value = value;
    this.text = text;
  }
}
