import { closeSync, fstatSync, openSync, statfsSync } from 'node:fs';
import { type Native, native } from '@godwit/native';
import { StreamError } from '../errors.js';
import type { GuestRam } from '../ports.js';
import type { PlacedSegment, RamLayout } from './layout.js';

/**
 * How a destination on the same host takes pages out of the source's memory by itself. What it makes is a copy: nothing
 * that either side writes later is seen by the other.
 */
export interface RamSharing {
  /** Opens the RAM for the other side, for reading only; undefined where that is not possible. The caller closes it. */
  share(ram: GuestRam): SharedRam | undefined;
  /** Owns what {@link share} of the source has opened; undefined where it cannot be used. */
  open(descriptor: number, layout: RamLayout): SourceRam | undefined;
}

export interface SharedRam {
  readonly descriptor: number;
  close(): void;
}

/** The source's memory, as the destination sees it. */
export interface SourceRam {
  /**
   * Copies pages of `segment`, and puts the digest of each, as it was copied, into `digests`. A run is two numbers: its first
   * page, counted from the start of the segment, and how many pages it has. Rejects with {@link StreamError} where the memory
   * is not there any more.
   */
  copy(segment: PlacedSegment, runs: Uint32Array, digests: Uint32Array): Promise<void>;
  /** Waits for the copies that are being made, and gives the memory up. */
  close(): Promise<void>;
}

/** TMPFS_MAGIC of linux/magic.h, the file system that every memfd is on. */
const TMPFS = 0x01021994;

/** Fewer pages than this are not worth a thread of their own. */
const MIN_SHARE = 64;
const THREADS = 2;

/** Maps the file behind the source's RAM; the copies are made, and digested in passing, by threads. */
export class RamFileSharing implements RamSharing {
  readonly #native: Native;

  constructor(native: Native) {
    this.#native = native;
  }

  share({ descriptor }: GuestRam): SharedRam | undefined {
    if (descriptor === undefined) return undefined;
    try {
      // A duplicate could write. Who has this one can still not open it anew for writing unless it is the file's owner.
      const readOnly = openSync(`/proc/self/fd/${descriptor}`, 'r');
      return { descriptor: readOnly, close: () => closeSync(readOnly) };
    } catch {
      // Without /proc pages go through the connection, as to another host.
      return undefined;
    }
  }

  open(descriptor: number, layout: RamLayout): SourceRam | undefined {
    const mappings: ArrayBuffer[] = [];
    const unmap = () => {
      for (const mapping of mappings.splice(0)) this.#native.munmap(mapping);
    };
    try {
      const file = fstatSync(descriptor);
      if (!file.isFile() || file.size !== layout.bytes || !isMemory(descriptor)) return undefined;
      for (const { firstPage, bytes } of layout.segments) {
        mappings.push(this.#native.mmap(descriptor, firstPage * layout.pageSize, bytes.length, false));
      }
    } catch {
      unmap();
      return undefined;
    } finally {
      closeSync(descriptor);
    }
    const copying = new Set<Promise<unknown>>();
    const copy = async (segment: PlacedSegment, runs: Uint32Array, digests: Uint32Array) => {
      const mapping = mappings[layout.segments.indexOf(segment)]!;
      const from = new Uint8Array(mapping);
      let done = 0;
      const copies = shares(runs, digests.length).map((share) => {
        const theirs = digests.subarray(done, done + share.pages);
        done += share.pages;
        return this.#native.copyPages(from, segment.bytes, layout.pageSize, share.runs, theirs);
      });
      const all = Promise.all(copies);
      copying.add(all);
      await all.finally(() => copying.delete(all));
      if (this.#native.mappingFaults(mapping) > 0) throw new StreamError('the RAM of the source has shrunk');
    };
    const close = async () => {
      await Promise.allSettled(copying);
      unmap();
    };
    return { copy, close };
  }
}

/** Undefined without the addon. Its digests are those of {@link defaultPageDigests}. */
export const defaultRamSharing: RamSharing | undefined =
  native === undefined ? undefined : new RamFileSharing(native);

/** Whether reading waits for nobody: pages of another file system may come as late as who serves it likes. */
function isMemory(descriptor: number): boolean {
  return statfsSync(`/proc/self/fd/${descriptor}`).type === TMPFS;
}

/** Divides runs of pages among the threads. */
function shares(runs: Uint32Array, pages: number): { runs: Uint32Array; pages: number }[] {
  if (pages < THREADS * MIN_SHARE) return [{ runs, pages }];
  const most = Math.ceil(pages / THREADS);
  const divided: { runs: Uint32Array; pages: number }[] = [];
  let share: number[] = [];
  let room = most;
  const close = () => {
    divided.push({ runs: Uint32Array.from(share), pages: most - room });
    share = [];
    room = most;
  };
  for (let run = 0; run < runs.length; run += 2) {
    let first = runs[run]!;
    for (let left = runs[run + 1]!; left > 0; ) {
      const count = Math.min(left, room);
      share.push(first, count);
      first += count;
      left -= count;
      room -= count;
      if (room === 0) close();
    }
  }
  if (share.length > 0) close();
  return divided;
}
