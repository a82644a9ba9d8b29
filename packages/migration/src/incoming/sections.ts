import { asError, MigrationError, StreamError } from '../errors.js';
import type { StateSection } from '../ports.js';
import type { IncomingRecord } from '../stream/reader.js';

/** Loads SECTION records into the machine's sections, each once. */
export class SectionLoader {
  readonly #missing: Map<string, StateSection>;

  constructor(sections: readonly StateSection[]) {
    this.#missing = new Map(sections.map((section) => [section.name, section]));
  }

  load({ payload }: IncomingRecord): void {
    const nameLength = payload.readUInt16BE(0);
    if (payload.length < 2 + nameLength + 4) throw new StreamError('a SECTION record ends inside its name');
    const name = payload.toString('utf8', 2, 2 + nameLength);
    const version = payload.readUInt32BE(2 + nameLength);
    const section = this.#missing.get(name);
    if (section === undefined) throw new StreamError(`section '${name}' is unknown here, or came twice`);
    if (version > section.version) {
      throw new MigrationError(
        `section '${name}' has version ${version}, this machine reads versions up to ${section.version}`,
      );
    }
    try {
      // A copy: the section may keep what it is given, the reader uses its buffer again.
      section.load(Uint8Array.from(payload.subarray(2 + nameLength + 4)), version);
    } catch (cause) {
      throw new MigrationError(`section '${name}': ${asError(cause).message}`, { cause });
    }
    this.#missing.delete(name);
  }

  checkComplete(): void {
    const [name] = this.#missing.keys();
    if (name !== undefined) throw new StreamError(`the stream ends without section '${name}'`);
  }
}
