/** What one message may cost; QEMU's figures unless told otherwise. Exceeding one is an error, and reading goes on. */
export interface JsonLimits {
  /** Bytes of all tokens of a message together. */
  readonly tokenBytes: number;
  /** Tokens of a message. */
  readonly tokens: number;
  /** Containers inside each other. */
  readonly depth: number;
}

export const defaultLimits: JsonLimits = { tokenBytes: 64 << 20, tokens: 2 << 20, depth: 1024 };
