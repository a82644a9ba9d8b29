import { symbolsOf } from '../schema/condition.js';
import type { Condition } from '../schema/model.js';

/** What a server was built with, as far as its reply tells. */
export interface InferredConfig {
  /** The symbols that are defined. */
  readonly defined: ReadonlySet<string>;
  /** The symbols that are not. */
  readonly undefined: ReadonlySet<string>;
  /** The symbols that the reply does not decide. */
  readonly undecided: ReadonlySet<string>;
  /** The symbols that would have to be both: the server is of another version than the schema. */
  readonly contradictory: ReadonlySet<string>;
}

/** Finds the values of configuration symbols from conditions whose outcome is known, by propagation. */
export class ConditionSolver {
  readonly #values = new Map<string, boolean>();
  readonly #observed: { condition: Condition; outcome: boolean; symbols: readonly string[] }[] = [];
  readonly #contradictory = new Set<string>();

  observe(condition: Condition, outcome: boolean): void {
    this.#observed.push({ condition, outcome, symbols: symbolsOf(condition) });
  }

  solve(): InferredConfig {
    // Plain symbols first: they are facts, and what is combined follows from them.
    this.#observed.sort((a, b) => a.symbols.length - b.symbols.length);
    let known = -1;
    while (known !== this.#values.size) {
      known = this.#values.size;
      for (const { condition, outcome } of this.#observed) this.#require(condition, outcome);
    }
    const symbols = new Set(this.#observed.flatMap((one) => one.symbols));
    const having = (value: boolean | undefined) =>
      new Set([...symbols].filter((symbol) => this.#values.get(symbol) === value).sort());
    return {
      defined: having(true),
      undefined: having(false),
      undecided: having(undefined),
      contradictory: this.#contradictory,
    };
  }

  #require(condition: Condition, outcome: boolean): void {
    if (typeof condition === 'string') {
      const value = this.#values.get(condition);
      if (value === undefined) this.#values.set(condition, outcome);
      else if (value !== outcome) this.#contradictory.add(condition);
      return;
    }
    if ('not' in condition) {
      this.#require(condition.not, !outcome);
      return;
    }
    // `all` that is true and `any` that is false decide every part.
    const [parts, whole] = 'all' in condition ? [condition.all, true] : [condition.any, false];
    if (outcome === whole) {
      for (const part of parts) this.#require(part, whole);
      return;
    }
    // Otherwise some part is the other way; it is known which when only one is left.
    const values = parts.map((part) => this.#evaluate(part));
    if (values.includes(!whole)) return;
    const open = parts.filter((_, index) => values[index] === undefined);
    if (open.length === 1) this.#require(open[0]!, !whole);
    else if (open.length === 0) for (const symbol of symbolsOf(condition)) this.#contradictory.add(symbol);
  }

  #evaluate(condition: Condition): boolean | undefined {
    if (typeof condition === 'string') return this.#values.get(condition);
    if ('not' in condition) {
      const value = this.#evaluate(condition.not);
      return value === undefined ? undefined : !value;
    }
    const [parts, decisive] = 'all' in condition ? [condition.all, false] : [condition.any, true];
    const values = parts.map((part) => this.#evaluate(part));
    if (values.includes(decisive)) return decisive;
    return values.includes(undefined) ? undefined : !decisive;
  }
}
