import type { DmaMemory } from '../device.js';
import type { CommonRegister } from './common-registers.js';
import type { DmaPort } from './dma-port.js';
import type { Registers } from './registers.js';

/** Bytes that the device writes at once. */
export const DMA_PAGE_SIZE = 4096;

/**
 * The steady DMA of a device: numbered pages, written one after the other into a window of guest memory, round and round.
 * Every 32-bit word of a page is its number, the first page is number 1, and DMA_PAGES tells the number of the last.
 */
export class DmaWindow {
  readonly #registers: Registers<CommonRegister>;
  readonly #dma: DmaPort;
  readonly #page = new Uint8Array(DMA_PAGE_SIZE);
  readonly #words = new Uint32Array(this.#page.buffer);

  constructor(registers: Registers<CommonRegister>, dma: DmaPort) {
    this.#registers = registers;
    this.#dma = dma;
  }

  /** Writes the next `count` pages, at most one round; stops at a page that memory refuses. */
  advance(count: number): void {
    const slots = Math.floor(this.#registers.get('DMA_LENGTH') / DMA_PAGE_SIZE);
    const base = this.#registers.getWide('DMA_BASE_LOW');
    for (let written = 0; written < Math.min(count, slots); written++) {
      const number = (this.#registers.get('DMA_PAGES') + 1) >>> 0;
      this.#words.fill(number);
      if (!this.#dma.write(base + slotOf(number, slots) * DMA_PAGE_SIZE, this.#page)) return;
      this.#registers.set('DMA_PAGES', number);
    }
  }
}

function slotOf(number: number, slots: number): number {
  return (number - 1) % slots;
}

/**
 * Checks the last `count` pages of a DMA window as the guest sees it (absent: all that it holds): the numbers of those that
 * are lost, torn, repeated or misplaced, given what DMA_PAGES says. Of a device that writes on meanwhile, the pages up to
 * DMA_PAGES + 1 minus those of the window may have been overwritten by the time they were looked at.
 */
export function wrongDmaPages(
  memory: Pick<DmaMemory, 'read'>,
  { base, length }: { readonly base: number; readonly length: number },
  lastPage: number,
  count = Number.POSITIVE_INFINITY,
): number[] {
  const slots = Math.floor(length / DMA_PAGE_SIZE);
  const page = new Uint8Array(DMA_PAGE_SIZE);
  const words = new Uint32Array(page.buffer);
  const wrong: number[] = [];
  for (let number = Math.max(1, lastPage - Math.min(slots, count) + 1); number <= lastPage; number++) {
    memory.read(base + slotOf(number, slots) * DMA_PAGE_SIZE, page);
    if (words.some((word) => word !== number)) wrong.push(number);
  }
  return wrong;
}
