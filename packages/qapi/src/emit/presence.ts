import { holds } from '../schema/condition.js';
import type { Condition } from '../schema/model.js';

/** What is known about a condition when code is generated: all with a configuration, nothing without one. */
export class Presence {
  readonly #config: ReadonlySet<string> | undefined;

  constructor(config: ReadonlySet<string> | undefined) {
    this.#config = config;
  }

  /** Whether the thing may be there. */
  possible(thing: { readonly condition: Condition | undefined }): boolean {
    return this.#config === undefined || holds(thing.condition, this.#config);
  }

  /** Whether the thing may also not be there. */
  doubtful(thing: { readonly condition: Condition | undefined }): boolean {
    return this.#config === undefined && thing.condition !== undefined;
  }
}
