import type { RegisterTable } from './registers.js';

/** "GDWT" */
export const DEVICE_MAGIC = 0x54574447;

/** What CONTROL does when the guest writes it. */
export const Control = { VERIFY: 1 } as const;

/** What an interrupt was raised for: bits of INTERRUPT_STATUS, INTERRUPT_ENABLE and INTERRUPT_ACKNOWLEDGE. */
export const InterruptCause = {
  /** DOORBELL was answered. */
  DOORBELL: 1,
  /** The model has finished what its own registers asked for. */
  WORK: 2,
} as const;

/** Registers that every model has; those of its own start at 0x100. */
export const COMMON_REGISTERS = {
  MAGIC: { offset: 0x00, access: 'read', description: '"GDWT"' },
  CONTROL: { offset: 0x04, access: 'write', description: "1: check the device's own memory now" },
  VERIFIED: { offset: 0x08, access: 'read', description: 'blocks that the last check looked at' },
  ERRORS: { offset: 0x0c, access: 'read', description: 'blocks that the last check found wrong' },
  CHECKS: { offset: 0x10, access: 'read', description: 'how many checks were made' },
  MUTATIONS: { offset: 0x14, access: 'read', description: 'blocks that the device has rewritten' },
  DMA_FAULTS: { offset: 0x18, access: 'read', description: 'DMA that the memory refused' },
  DMA_PAGES: {
    offset: 0x1c,
    access: 'read',
    description: 'pages written to the DMA window; the number of the last',
  },
  SCRATCH0: { offset: 0x20, access: 'read-write', description: "the guest's own" },
  SCRATCH1: { offset: 0x24, access: 'read-write', description: "the guest's own" },
  SCRATCH2: { offset: 0x28, access: 'read-write', description: "the guest's own" },
  SCRATCH3: { offset: 0x2c, access: 'read-write', description: "the guest's own" },
  DMA_BASE_LOW: {
    offset: 0x30,
    access: 'read-write',
    description: 'guest address of the DMA window, in bytes',
  },
  DMA_BASE_HIGH: { offset: 0x34, access: 'read-write', description: 'its upper half' },
  DMA_LENGTH: { offset: 0x38, access: 'read-write', description: 'bytes of the DMA window; 0: none' },
  DOORBELL: {
    offset: 0x40,
    access: 'read-write',
    description: '1: write the next page of the DMA window; 0 again when that is done',
  },
  INTERRUPT_STATUS: { offset: 0x44, access: 'read', description: 'causes that are not acknowledged' },
  INTERRUPT_ENABLE: { offset: 0x48, access: 'read-write', description: 'causes that raise the interrupt' },
  INTERRUPT_ACKNOWLEDGE: { offset: 0x4c, access: 'write', description: 'causes to forget' },
} as const satisfies RegisterTable;

export type CommonRegister = keyof typeof COMMON_REGISTERS;
