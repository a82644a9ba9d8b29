/** A difference from the real QEMU 7.2 that is meant to be, and why. */
export interface Purpose {
  /** Found in the exchange's scenario, or its bytes. */
  readonly exchange: RegExp;
  /** Found in what QEMU says. */
  readonly qemu: RegExp;
  readonly reason: string;
}

export const purposes: readonly Purpose[] = [
  {
    exchange: /"id": 1e999/,
    qemu: /stray 'i'/,
    reason: 'QEMU writes the id as inf, which no JSON reader takes; the literal that was sent comes back instead',
  },
];
