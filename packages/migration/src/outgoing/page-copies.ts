import { recordTypes } from '../stream/records.js';
import type { OutgoingRecord, RecordSink, Written } from '../stream/writer.js';

/** RAM_COPY records that the destination may have before it: it never waits for one, and little is under way. */
const AHEAD = 3;

/** Where pages go that the destination copies by itself: only as fast as it does. */
export class PageCopies implements RecordSink {
  readonly copiesPages = true;
  readonly #sink: RecordSink;
  readonly #copied: (atLeast: number) => Promise<void>;
  #sent = 0;

  /** @param copied resolves when so many RAM_COPY records are done */
  constructor(sink: RecordSink, copied: (atLeast: number) => Promise<void>) {
    this.#sink = sink;
    this.#copied = copied;
  }

  async write(...records: readonly OutgoingRecord[]): Promise<Written> {
    const copies = records.filter(({ type }) => type === recordTypes.RAM_COPY).length;
    if (copies > 0) await this.#copied(this.#sent + copies - AHEAD);
    this.#sent += copies;
    return await this.#sink.write(...records);
  }
}
