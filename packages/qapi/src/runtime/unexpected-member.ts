const slotCount = 8;
/** A prime below the number of slots, which picks the first slot to try. */
const modulus = 7;

/**
 * Of members that were not expected, the one that a QEMU server names: the first in the slots of its hash table, into which
 * all members of the object went. Larger objects, for which the table would grow, are taken in the order they were written.
 * @param members names of all members
 */
export function unexpectedMember(
  members: readonly string[],
  isExpected: (name: string) => boolean,
): string | undefined {
  const ordered = members.length < slotCount ? inSlots(members) : members;
  return ordered.find((name) => !isExpected(name));
}

function inSlots(names: readonly string[]): string[] {
  const slots = new Array<string | undefined>(slotCount).fill(undefined);
  for (const name of names) {
    let slot = (Math.imul(hashOf(name), 11) >>> 0) % modulus;
    for (let step = 1; slots[slot] !== undefined; step++) slot = (slot + step) % slotCount;
    slots[slot] = name;
  }
  return slots.filter((name) => name !== undefined);
}

/** GLib's hash of a string: its bytes, with a sign, times 33 each. */
function hashOf(name: string): number {
  let hash = 5381;
  for (const byte of new Int8Array(new TextEncoder().encode(name))) hash = (Math.imul(hash, 33) + byte) | 0;
  return hash >>> 0;
}
