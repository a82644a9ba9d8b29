import type { RegisterTable } from '../../model/registers.js';

/** Bytes of the SHA-256 digests that the device makes. */
export const DIGEST_SIZE = 32;

/** The key's words are there for the guest to write, never to read; they migrate all the same. */
export const CRYPTO_REGISTERS = {
  KEY0: { offset: 0x100, access: 'write', description: 'key, bytes 0 to 3' },
  KEY1: { offset: 0x104, access: 'write', description: 'key, bytes 4 to 7' },
  KEY2: { offset: 0x108, access: 'write', description: 'key, bytes 8 to 11' },
  KEY3: { offset: 0x10c, access: 'write', description: 'key, bytes 12 to 15' },
  SOURCE_LOW: { offset: 0x110, access: 'read-write', description: 'guest address of the message' },
  SOURCE_HIGH: { offset: 0x114, access: 'read-write', description: 'its upper half' },
  SOURCE_LENGTH: { offset: 0x118, access: 'read-write', description: 'bytes of the message, at most 1 MiB' },
  TARGET_LOW: { offset: 0x11c, access: 'read-write', description: 'guest address of the digest' },
  TARGET_HIGH: { offset: 0x120, access: 'read-write', description: 'its upper half' },
  JOB: {
    offset: 0x124,
    access: 'read-write',
    description: 'doorbell: a number other than DONE starts a job',
  },
  DONE: { offset: 0x128, access: 'read', description: 'JOB of the last job that was done' },
  JOB_ERRORS: { offset: 0x12c, access: 'read', description: 'jobs that could not be done' },
} as const satisfies RegisterTable;

export type CryptoRegister = keyof typeof CRYPTO_REGISTERS;
