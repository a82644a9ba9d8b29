import type { Clock } from '@godwit/clock';
import {
  defaultPageDigests,
  type GuestRam,
  type RamSharing,
  type SharedRam,
  type SourceRam,
} from '../src/index.js';

/** What one page takes to be copied. */
const PAGE_MS = 0.5;

/** Shares the RAM of machines of this process, by numbers in place of descriptors. Copies take time, page for page. */
export class TestSharing implements RamSharing {
  readonly #clock: Clock;
  readonly #shared = new Map<number, GuestRam>();
  #numbers = 0;
  /** What is open: shared and not closed, or opened and not closed. */
  opened = 0;
  copiedPages = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  share(ram: GuestRam): SharedRam {
    const descriptor = this.#numbers++;
    this.#shared.set(descriptor, ram);
    this.opened++;
    return {
      descriptor,
      close: () => {
        this.opened--;
      },
    };
  }

  open(descriptor: number): SourceRam | undefined {
    const ram = this.#shared.get(descriptor);
    if (ram === undefined) return undefined;
    this.opened++;
    const copying = new Set<Promise<void>>();
    const copy: SourceRam['copy'] = (segment, runs, digests) => {
      const source = ram.segments.find(({ address }) => address === segment.address)!.bytes;
      const work = this.#copy(source, segment.bytes, ram.pageSize, runs, digests);
      copying.add(work);
      return work.finally(() => copying.delete(work));
    };
    const close = async () => {
      await Promise.allSettled(copying);
      this.opened--;
    };
    return { copy, close };
  }

  async #copy(from: Uint8Array, into: Uint8Array, pageSize: number, runs: Uint32Array, digests: Uint32Array) {
    let index = 0;
    for (let run = 0; run < runs.length; run += 2) {
      for (let page = runs[run]!; page < runs[run]! + runs[run + 1]!; page++) {
        await new Promise<void>((resolve) => {
          this.#clock.setTimer(resolve, PAGE_MS);
        });
        into.set(from.subarray(page * pageSize, (page + 1) * pageSize), page * pageSize);
        defaultPageDigests.digest(into, pageSize, Uint32Array.of(page, 1), digests.subarray(index++));
        this.copiedPages++;
      }
    }
  }
}
