import { createCipheriv, timingSafeEqual } from 'node:crypto';

/** Bytes of a challenge and of its response. */
export const CHALLENGE_SIZE = 16;

/** The protocol knows eight bytes of a password. */
const KEY_SIZE = 8;

/**
 * What a client that knows the password makes of a challenge: DES in ECB mode with the password as its key, the bits of
 * each byte in reverse (RFC 6143, 7.2.2, and what clients do).
 */
export function responseTo(challenge: Uint8Array, password: string): Uint8Array {
  const key = Buffer.alloc(KEY_SIZE);
  Buffer.from(password).copy(key, 0, 0, KEY_SIZE);
  for (let index = 0; index < KEY_SIZE; index++) key[index] = reversed(key[index]!);
  return encryptDes(challenge, key);
}

/**
 * DES (FIPS 46-3) of whole blocks. Triple DES with three times the same key is DES, and is there where OpenSSL has put
 * DES itself into its legacy provider.
 */
export function encryptDes(blocks: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(blocks), cipher.final()]);
}

function reversed(byte: number): number {
  let bits = 0;
  for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) bits |= 0x80 >> bit;
  return bits;
}

/** A password that can expire, and that nobody can give before it is set. */
export class Password {
  #text: string | undefined;
  /** Seconds since 1970; a password is good up to and including this one. */
  #expires: number = Number.POSITIVE_INFINITY;

  set(text: string): void {
    this.#text = text;
  }

  expireAt(seconds: number): void {
    this.#expires = seconds;
  }

  /** Whether a response shows that the client knows it. */
  accepts(challenge: Uint8Array, response: Uint8Array, nowSeconds: number): boolean {
    if (this.#text === undefined || this.#expires < nowSeconds) return false;
    return timingSafeEqual(responseTo(challenge, this.#text), response);
  }
}
