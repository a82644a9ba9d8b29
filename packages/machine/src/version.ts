/** The QEMU whose interface this is, and the program's own version. */
export const VERSION = {
  qemu: { major: 10, minor: 2, micro: 2 },
  package: 'godwit-0.1.0',
} as const;
