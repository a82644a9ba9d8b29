import { crc32 } from 'node:zlib';
import { native, pageDigestsPortable } from '@godwit/native';
import { DIGEST_GROUP_BYTES } from '../stream/records.js';
import { type PageRuns, placedRuns } from './dirty-bitmap.js';
import type { PlacedSegment, RamLayout } from './layout.js';

/**
 * Computes a 32-bit digest for each page of `runs`, one after the other into `into`. A run is two numbers: its first page,
 * counted from the start of `bytes`, and how many pages it has.
 */
export type PageDigestFunction = (
  bytes: Uint8Array,
  pageSize: number,
  runs: Uint32Array,
  into: Uint32Array,
) => void;

/** How pages are digested. Both sides must use the same algorithm; its name is part of the configuration. */
export interface PageDigestAlgorithm {
  readonly name: string;
  readonly digest: PageDigestFunction;
}

/** The digests of @godwit/native; without its addon the same, computed slower. */
export const defaultPageDigests: PageDigestAlgorithm = {
  name: 'lanes64',
  digest: native === undefined ? pageDigestsPortable : native.pageDigests,
};

/** What one side of a migration last sent, or last received: a digest for each page of RAM. */
export class PageDigests {
  readonly algorithm: PageDigestAlgorithm;
  /** The digest of a page of zeros. */
  readonly zero: number;
  readonly #layout: RamLayout;
  readonly #digests: Uint32Array;
  readonly #pagesPerGroup: number;
  readonly #groups: Uint32Array;
  /** 1 where a group's number is out of date. */
  readonly #stale: Uint8Array;
  readonly #results: Uint32Array;

  /** @param batch how many pages are digested at a time at most */
  constructor(layout: RamLayout, algorithm: PageDigestAlgorithm, batch: number) {
    this.#layout = layout;
    this.algorithm = algorithm;
    this.#digests = new Uint32Array(layout.pages);
    this.#results = new Uint32Array(batch);
    const zero = new Uint32Array(1);
    algorithm.digest(new Uint8Array(layout.pageSize), layout.pageSize, Uint32Array.of(0, 1), zero);
    this.zero = zero[0]!;
    this.#digests.fill(this.zero);
    this.#pagesPerGroup = Math.max(1, DIGEST_GROUP_BYTES / layout.pageSize);
    this.#groups = new Uint32Array(Math.ceil(layout.pages / this.#pagesPerGroup));
    this.#stale = new Uint8Array(this.#groups.length).fill(1);
  }

  /** Digests all pages of `runs`, which lie in `segment`. The result, one for each page in order, is valid until the next call. */
  update(segment: PlacedSegment, runs: PageRuns): Uint32Array {
    const results = this.#results.subarray(0, runs.pages);
    this.algorithm.digest(segment.bytes, this.#layout.pageSize, placedRuns(runs, segment.firstPage), results);
    this.set(runs, results);
    return results;
  }

  /** Takes over digests that were made elsewhere, one for each page of `runs` in order. */
  set(runs: PageRuns, results: Uint32Array): void {
    let index = 0;
    for (let run = 0; run < runs.length; run++) {
      const first = runs.first[run]!;
      const count = runs.count[run]!;
      this.#digests.set(results.subarray(index, index + count), first);
      this.#touch(first, count);
      index += count;
    }
  }

  setZero(first: number, count: number): void {
    this.#digests.fill(this.zero, first, first + count);
    this.#touch(first, count);
  }

  /**
   * One number for every 2 MiB of RAM, in order: the CRC-32 of the digests of its pages, as little-endian words. Only
   * what changed since the last call is computed, so calling it in every round keeps the last one short.
   */
  groups(): Uint32Array {
    const bytes = Buffer.from(this.#digests.buffer);
    const length = this.#pagesPerGroup * 4;
    for (let group = this.#stale.indexOf(1); group !== -1; group = this.#stale.indexOf(1, group + 1)) {
      this.#groups[group] = crc32(bytes.subarray(group * length, (group + 1) * length));
      this.#stale[group] = 0;
    }
    return this.#groups;
  }

  #touch(first: number, count: number): void {
    const from = Math.floor(first / this.#pagesPerGroup);
    const to = Math.floor((first + count - 1) / this.#pagesPerGroup);
    this.#stale.fill(1, from, to + 1);
  }
}
