import type { RegisterTable } from '../../model/registers.js';

/** Descriptors and buffers of both rings are in guest memory; a ring with count 0 is off. Indices are below the count. */
export const NIC_REGISTERS = {
  MAC_LOW: { offset: 0x100, access: 'read-write', description: 'bytes 0 to 3 of the station address' },
  MAC_HIGH: { offset: 0x104, access: 'read-write', description: 'bytes 4 and 5 of the station address' },
  TX_BASE_LOW: { offset: 0x110, access: 'read-write', description: 'guest address of the transmit ring' },
  TX_BASE_HIGH: { offset: 0x114, access: 'read-write', description: 'its upper half' },
  TX_COUNT: { offset: 0x118, access: 'read-write', description: 'descriptors of the transmit ring' },
  TX_HEAD: { offset: 0x11c, access: 'read', description: 'next descriptor that the device sends' },
  TX_TAIL: {
    offset: 0x120,
    access: 'read-write',
    description: 'doorbell: first descriptor that is not ready to be sent',
  },
  RX_BASE_LOW: { offset: 0x130, access: 'read-write', description: 'guest address of the receive ring' },
  RX_BASE_HIGH: { offset: 0x134, access: 'read-write', description: 'its upper half' },
  RX_COUNT: { offset: 0x138, access: 'read-write', description: 'descriptors of the receive ring' },
  RX_HEAD: { offset: 0x13c, access: 'read', description: 'next descriptor that the device fills' },
  RX_TAIL: {
    offset: 0x140,
    access: 'read-write',
    description: 'doorbell: first descriptor that has no buffer',
  },
  TX_FRAMES: { offset: 0x150, access: 'read', description: 'frames sent' },
  RX_FRAMES: { offset: 0x154, access: 'read', description: 'frames received' },
  RX_DROPPED: {
    offset: 0x158,
    access: 'read',
    description: 'frames that no receive buffer was large enough for',
  },
  RING_ERRORS: { offset: 0x15c, access: 'read', description: 'descriptors or indices that made no sense' },
} as const satisfies RegisterTable;

export type NicRegister = keyof typeof NIC_REGISTERS;
