/** Names of one scope, each given once: a name that is taken becomes `Name1`, `Name2`… */
export class NameTable {
  readonly #taken: Set<string>;
  /** Where to go on counting, by name. */
  readonly #numbers = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set(taken);
  }

  claim(wish: string): string {
    let name = wish;
    let number = this.#numbers.get(wish) ?? 0;
    while (this.#taken.has(name)) {
      number += 1;
      name = `${wish}${number}`;
    }
    if (number > 0) this.#numbers.set(wish, number);
    this.#taken.add(name);
    return name;
  }
}
