import { type JsonFault, parseFault } from './error.js';
import type { JsonObject, JsonValue } from './value.js';

/** What may come next in the container that is being read. */
const Expect = {
  /** The message's value. */
  root: 0,
  /** A value or `]`. */
  firstElement: 1,
  element: 2,
  /** `,` or `]`. */
  elementSeparator: 3,
  /** A key or `}`. */
  firstKey: 4,
  key: 5,
  colon: 6,
  memberValue: 7,
  /** `,` or `}`. */
  memberSeparator: 8,
  done: 9,
} as const;
type Expect = (typeof Expect)[keyof typeof Expect];

interface Frame {
  readonly array: JsonValue[] | undefined;
  readonly object: JsonObject | undefined;
  /** The key of the member being read. */
  key: string;
  expect: Expect;
}

/**
 * Puts one message together from its tokens. The first error is kept and what follows it is ignored: it is for the
 * reader to say where the message ends.
 */
export class Assembler {
  readonly #outer: Frame[] = [];
  #array: JsonValue[] | undefined;
  #object: JsonObject | undefined;
  #key = '';
  #expect: Expect = Expect.root;
  #value: JsonValue = null;
  #error: JsonFault | undefined;

  get error(): JsonFault | undefined {
    return this.#error;
  }

  /** The message's value; only meaningful when it is complete and has no error. */
  get value(): JsonValue {
    return this.#value;
  }

  reset(): void {
    this.#outer.length = 0;
    this.#array = undefined;
    this.#object = undefined;
    this.#expect = Expect.root;
    this.#value = null;
    this.#error = undefined;
  }

  fail(error: JsonFault): void {
    this.#error ??= error;
  }

  /** An error in a scalar: it counts where a value may stand, else that is the error. */
  failAtValue(error: JsonFault): void {
    if (this.takesValue) this.fail(error);
    else this.#misplaced();
  }

  /** Whether the next token may be a value (or a key); false once there is an error. */
  get takesValue(): boolean {
    return (
      this.#error === undefined &&
      this.#expect !== Expect.colon &&
      this.#expect !== Expect.memberSeparator &&
      this.#expect !== Expect.elementSeparator
    );
  }

  /** A string, number or keyword, or a container that is complete. */
  add(value: JsonValue): void {
    if (this.#error !== undefined) return;
    switch (this.#expect) {
      case Expect.memberValue:
        if (this.#key in this.#object!) {
          this.#error = parseFault('duplicate key');
          return;
        }
        this.#object![this.#key] = value;
        this.#expect = Expect.memberSeparator;
        return;
      case Expect.firstKey:
      case Expect.key:
        if (typeof value !== 'string') {
          this.#error = parseFault('key is not a string in object');
          return;
        }
        this.#key = value;
        this.#expect = Expect.colon;
        return;
      case Expect.firstElement:
      case Expect.element:
        this.#array!.push(value);
        this.#expect = Expect.elementSeparator;
        return;
      case Expect.root:
        this.#value = value;
        this.#expect = Expect.done;
        return;
      default:
        this.#misplaced();
    }
  }

  openObject(): void {
    this.#open(undefined, Object.create(null) as JsonObject);
  }

  openArray(): void {
    this.#open([], undefined);
  }

  closeObject(): void {
    if (this.#expect === Expect.firstKey || this.#expect === Expect.memberSeparator) this.#close();
    else this.#misplaced();
  }

  closeArray(): void {
    if (this.#expect === Expect.firstElement || this.#expect === Expect.elementSeparator) this.#close();
    else this.#misplaced();
  }

  comma(): void {
    if (this.#expect === Expect.memberSeparator) this.#expect = Expect.key;
    else if (this.#expect === Expect.elementSeparator) this.#expect = Expect.element;
    else this.#misplaced();
  }

  colon(): void {
    if (this.#expect === Expect.colon) this.#expect = Expect.memberValue;
    else this.#misplaced();
  }

  #open(array: JsonValue[] | undefined, object: JsonObject | undefined): void {
    if (this.#error !== undefined) return;
    if (!this.takesValue) {
      this.#misplaced();
      return;
    }
    const expect = this.#expect;
    if (expect !== Expect.root) {
      this.#outer.push({ array: this.#array, object: this.#object, key: this.#key, expect });
    }
    this.#array = array;
    this.#object = object;
    this.#expect = array === undefined ? Expect.firstKey : Expect.firstElement;
  }

  #close(): void {
    if (this.#error !== undefined) return;
    const value: JsonValue = this.#array ?? this.#object!;
    const frame = this.#outer.pop();
    this.#array = frame?.array;
    this.#object = frame?.object;
    this.#key = frame?.key ?? '';
    this.#expect = frame?.expect ?? Expect.root;
    this.add(value);
  }

  #misplaced(): void {
    if (this.#error !== undefined) return;
    switch (this.#expect) {
      case Expect.colon:
        this.#error = parseFault('missing : in object pair');
        return;
      case Expect.memberSeparator:
        this.#error = parseFault('expected separator in dict');
        return;
      case Expect.elementSeparator:
        this.#error = parseFault('expected separator in list');
        return;
      default:
        this.#error = parseFault('expecting value');
    }
  }
}
