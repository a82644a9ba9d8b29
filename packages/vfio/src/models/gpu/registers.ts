import type { RegisterTable } from '../../model/registers.js';

/** Values of COMMAND. */
export const GpuCommand = {
  /** Guest memory to the aperture. */
  UPLOAD: 1,
  /** The aperture to guest memory. */
  DOWNLOAD: 2,
  /** Fills the aperture with the low byte of PATTERN. */
  FILL: 3,
  /** Replaces all of the device's own memory: a migration in pre-copy starts over (REINIT). */
  RECONFIGURE: 4,
} as const;

export const GPU_REGISTERS = {
  COMMAND: { offset: 0x100, access: 'read-write', description: 'what to do' },
  GUEST_LOW: { offset: 0x104, access: 'read-write', description: 'guest address, in bytes' },
  GUEST_HIGH: { offset: 0x108, access: 'read-write', description: 'its upper half' },
  APERTURE_OFFSET: { offset: 0x10c, access: 'read-write', description: 'offset in the aperture, in bytes' },
  LENGTH: { offset: 0x110, access: 'read-write', description: 'bytes to copy or fill' },
  PATTERN: { offset: 0x114, access: 'read-write', description: 'what FILL fills with' },
  FENCE: {
    offset: 0x118,
    access: 'read-write',
    description: 'doorbell: a number other than COMPLETED starts the command',
  },
  COMPLETED: { offset: 0x11c, access: 'read', description: 'FENCE of the last command that was done' },
  COMMAND_ERRORS: { offset: 0x120, access: 'read', description: 'commands that could not be done' },
} as const satisfies RegisterTable;

export type GpuRegister = keyof typeof GPU_REGISTERS;
