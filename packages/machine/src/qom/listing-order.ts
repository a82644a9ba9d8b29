/** Sizes of the table, and the primes that places are taken modulo, by the power of two of the size. */
const PRIMES = [1, 2, 3, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521] as const;
const MIN_SHIFT = 3;
const MAX_SHIFT = PRIMES.length - 1;
/** A table that is grown has room for so much more. */
const ROOM = 1.333;

/**
 * Names in the order in which QEMU goes through the children of an object. It keeps them in a hash table of GLib, whose
 * places follow from the names alone, so that clients see the same order again and again.
 * @param names in the order in which they were added
 */
export function listingOrder(names: readonly string[]): string[] {
  let shift = MIN_SHIFT;
  let table: (string | undefined)[] = [];
  let count = 0;
  for (const name of names) {
    put(table, shift, name);
    count++;
    if (2 ** shift > count + Math.floor(count / 16)) continue;
    const kept = present(table, shift);
    shift = Math.min(MAX_SHIFT, Math.max(MIN_SHIFT, bitLength(Math.floor(count * ROOM))));
    table = [];
    for (const each of kept) put(table, shift, each);
  }
  return present(table, shift);
}

function put(table: (string | undefined)[], shift: number, name: string): void {
  let place = (Math.imul(hash(name), 11) >>> 0) % PRIMES[shift]!;
  for (let step = 1; table[place] !== undefined; step++) place = (place + step) & (2 ** shift - 1);
  table[place] = name;
}

function present(table: readonly (string | undefined)[], shift: number): string[] {
  return Array.from({ length: 2 ** shift }, (_, place) => table[place]).filter((name) => name !== undefined);
}

/** `g_str_hash`: h * 33 + c, over signed bytes. */
function hash(name: string): number {
  let value = 5381;
  for (const byte of Buffer.from(name)) value = (Math.imul(value, 33) + ((byte << 24) >> 24)) >>> 0;
  // 0 and 1 mark places that are free.
  return Math.max(value, 2);
}

function bitLength(value: number): number {
  return 32 - Math.clz32(value);
}
