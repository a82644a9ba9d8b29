import type { RegisterTable } from '../../model/registers.js';

/** Bytes. */
export const SECTOR_SIZE = 512;

/** Values of REQUEST. */
export const BlockRequest = { READ: 1, WRITE: 2 } as const;

/** Values of STATUS. */
export const BlockStatus = { OK: 0, FAILED: 1 } as const;

export const BLOCK_REGISTERS = {
  CAPACITY: { offset: 0x100, access: 'read', description: 'sectors of 512 bytes' },
  REQUEST: { offset: 0x104, access: 'read-write', description: 'what to do' },
  SECTOR: { offset: 0x108, access: 'read-write', description: 'first sector' },
  SECTORS: { offset: 0x10c, access: 'read-write', description: 'how many sectors' },
  BUFFER_LOW: { offset: 0x110, access: 'read-write', description: 'guest address of the data, in bytes' },
  BUFFER_HIGH: { offset: 0x114, access: 'read-write', description: 'its upper half' },
  TAG: {
    offset: 0x118,
    access: 'read-write',
    description: 'doorbell: a number other than DONE starts the request',
  },
  DONE: { offset: 0x11c, access: 'read', description: 'TAG of the last request that was done' },
  STATUS: { offset: 0x120, access: 'read', description: 'how that request ended; 0: well' },
} as const satisfies RegisterTable;

export type BlockRegister = keyof typeof BLOCK_REGISTERS;
