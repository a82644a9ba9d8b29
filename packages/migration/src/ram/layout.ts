import type { GuestRam } from '../ports.js';

/** A segment of guest RAM, with its place in the numbering of pages. */
export interface PlacedSegment {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly firstPage: number;
  readonly pages: number;
}

/** Guest RAM as numbered pages. */
export class RamLayout {
  readonly pageSize: number;
  readonly pages: number;
  readonly bytes: number;
  readonly segments: readonly PlacedSegment[];

  /** Throws a RangeError where `ram` breaks the rules of {@link GuestRam}. */
  constructor(ram: GuestRam) {
    const { pageSize } = ram;
    this.pageSize = pageSize;
    let firstPage = 0;
    let end = 0;
    const segments: PlacedSegment[] = [];
    for (const { address, bytes } of ram.segments) {
      const pages = bytes.length / pageSize;
      if (!Number.isInteger(pages)) throw new RangeError('a segment of RAM ends inside a page');
      if (firstPage % 32 !== 0)
        throw new RangeError('a segment of RAM does not begin at a multiple of 32 pages');
      if (address < end || address % pageSize !== 0) throw new RangeError('segments of RAM out of order');
      segments.push({ address, bytes, firstPage, pages });
      firstPage += pages;
      end = address + bytes.length;
    }
    if (firstPage > 0xffffffff) throw new RangeError('RAM has more than 2^32 pages');
    this.segments = segments;
    this.pages = firstPage;
    this.bytes = firstPage * pageSize;
    if (this.bytes !== ram.size) throw new RangeError('the segments of RAM do not add up to its size');
  }

  /** The segment that holds `page`; undefined outside of RAM. */
  segmentOf(page: number): PlacedSegment | undefined {
    return this.segments.find(({ firstPage, pages }) => page >= firstPage && page < firstPage + pages);
  }

  /** The guest physical address of `page`. */
  addressOf(page: number): number {
    const segment = this.segmentOf(page);
    if (segment === undefined) throw new RangeError(`page ${page} is outside of RAM`);
    return segment.address + (page - segment.firstPage) * this.pageSize;
  }
}
