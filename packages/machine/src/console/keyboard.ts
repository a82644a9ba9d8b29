import { KEY_CODES, KEYS_BY_NUMBER } from './key-codes.js';
import { Keys } from './keys.js';

const SHIFT: readonly string[] = ['shift', 'shift_r'];

/** A PC's keyboard of the United States at a terminal: keys go down and up by name, and what they mean depends on Shift. */
export class Keyboard {
  readonly #keys = new Keys();
  readonly #held = new Set<string>();
  readonly #type: (bytes: Uint8Array) => void;
  #capitals = false;

  /** @param type takes what the keys send */
  constructor(type: (bytes: Uint8Array) => void) {
    this.#type = type;
  }

  /** The name of a key by its number; undefined where no key has it. */
  static named(number: number): string | undefined {
    return KEYS_BY_NUMBER.get(number);
  }

  /** @param name of QKeyCode; a key that is not known is pressed in vain */
  press(name: string, down: boolean): void {
    if (SHIFT.includes(name)) {
      if (down) this.#held.add(name);
      else this.#held.delete(name);
    }
    if (name === 'caps_lock' && down) this.#capitals = !this.#capitals;
    const key = KEY_CODES.get(name);
    if (key === undefined) return;
    const { keysym, shifted = keysym } = key;
    const capital = this.#capitals && /^[a-z]$/.test(name);
    this.#type(this.#keys.press(this.#held.size > 0 !== capital ? shifted : keysym, down));
  }
}
