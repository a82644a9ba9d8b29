import { PAGE_SIZE } from '../memory/guest-memory.js';
import { DEVICE_SLOTS } from './registers.js';

/** Consecutive pages. */
export interface PageRange {
  readonly first: number;
  readonly count: number;
}

/**
 * How the guest uses its RAM, from address 0: the working set, which it writes round after round; the static pages, which
 * it fills once if it is asked to; and at the top the buffers that it lends to its devices for DMA, which it never touches.
 */
export interface GuestLayout {
  readonly workingSet: PageRange;
  readonly staticPages: PageRange;
  readonly dma: PageRange;
}

const MAX_DMA_BYTES = 16 * 1024 ** 2;

/** Half of RAM, as a guest under load may well write to. */
export function defaultWorkingSet(ramSize: number): number {
  return Math.max(PAGE_SIZE, Math.floor(ramSize / 2 / PAGE_SIZE) * PAGE_SIZE);
}

/** Sizes are bytes. Throws when the working set leaves no room for the DMA buffers. */
export function layoutGuest(ramSize: number, workingSet = defaultWorkingSet(ramSize)): GuestLayout {
  const pages = ramSize / PAGE_SIZE;
  const working = Math.floor(workingSet / PAGE_SIZE);
  const dma = Math.floor(Math.min(MAX_DMA_BYTES, ramSize / 8) / PAGE_SIZE);
  if (working < 1 || working + dma > pages) {
    throw new RangeError(
      `a working set of ${workingSet} bytes does not fit into ${ramSize} bytes of RAM; at most ${(pages - dma) * PAGE_SIZE}`,
    );
  }
  return {
    workingSet: { first: 0, count: working },
    staticPages: { first: working, count: pages - working - dma },
    dma: { first: pages - dma, count: dma },
  };
}

/** The part of the DMA buffers that the device in `slot` is lent. */
export function dmaBuffer(dma: PageRange, slot: number): PageRange {
  return slice(dma, slot, DEVICE_SLOTS);
}

/** The `index`-th of `count` nearly equal parts of a range. */
export function slice(range: PageRange, index: number, count: number): PageRange {
  const begin = Math.floor((range.count * index) / count);
  const end = Math.floor((range.count * (index + 1)) / count);
  return { first: range.first + begin, count: end - begin };
}

/**
 * The page of the `visit`-th visit of a round: every page of the range once, in an order far from consecutive.
 * The stride is near the golden section of the range, so that neighbours in time lie far apart.
 */
export function visitOrder(range: PageRange): (visit: number) => number {
  const { first, count } = range;
  let stride = Math.max(1, Math.round(count * 0.618));
  while (greatestCommonDivisor(stride, count) !== 1) stride++;
  return (visit) => first + ((visit * stride) % count);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
