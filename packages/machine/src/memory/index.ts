export { Bus, type BusHandler, MMIO_BASE, type Space } from './bus.js';
export { DirtyBitmap } from './dirty-bitmap.js';
export { DmaView } from './dma-view.js';
export { GuestMemory, type GuestMemoryOptions, PAGE_SIZE } from './guest-memory.js';
