/** What a guest's driver needs of the device models: their registers and their DMA; nothing of the models themselves. */
export { COMMON_REGISTERS, Control, DEVICE_MAGIC, InterruptCause } from './model/common-registers.js';
export { DMA_PAGE_SIZE, wrongDmaPages } from './model/dma-window.js';
