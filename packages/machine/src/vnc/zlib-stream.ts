import { constants, deflateRawSync } from 'node:zlib';

/** What a zlib stream begins with (RFC 1950): deflate, a window of 32 KiB, the default level. */
const HEADER = Uint8Array.of(0x78, 0x9c);

/**
 * One zlib stream that goes on for as long as a connection does. Each piece is compressed by itself up to a byte
 * boundary, which leaves the stream whole and needs no compressor to be kept for each client.
 */
export class ZlibStream {
  #begun = false;

  /** What the stream goes on with, so that all of `bytes` can be decompressed. */
  compress(bytes: Uint8Array): Uint8Array {
    const deflated = deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
    if (this.#begun) return deflated;
    this.#begun = true;
    return Buffer.concat([HEADER, deflated]);
  }
}
