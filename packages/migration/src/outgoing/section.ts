import type { StateSection } from '../ports.js';

/** The payload of a SECTION record: 16-bit length and name, 32-bit version, state. */
export function encodeSection(section: StateSection): Buffer {
  const name = Buffer.from(section.name);
  const head = Buffer.alloc(2 + name.length + 4);
  head.writeUInt16BE(name.length, 0);
  name.copy(head, 2);
  head.writeUInt32BE(section.version, 2 + name.length);
  return Buffer.concat([head, section.save()]);
}
