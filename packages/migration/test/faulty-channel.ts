import type { Channel } from '../src/index.js';

/** What happens to the byte at an offset of what is written. */
export type ChannelFault =
  | { readonly kind: 'flip'; readonly offset: number; readonly mask: number }
  /** The connection breaks before that byte. */
  | { readonly kind: 'cut'; readonly offset: number }
  /** Writing stops for good before that byte, but the connection stays. */
  | { readonly kind: 'stall'; readonly offset: number };

/** A channel on whose way out something goes wrong. */
export class FaultyChannel implements Channel {
  readonly #inner: Channel;
  readonly #fault: ChannelFault;
  #written = 0;
  happened = false;
  #closed: (() => void) | undefined;

  constructor(inner: Channel, fault: ChannelFault) {
    this.#inner = inner;
    this.#fault = fault;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    const whole = Buffer.concat(chunks);
    const at = this.#fault.offset - this.#written;
    this.#written += whole.length;
    if (at < 0 || at >= whole.length) return this.#inner.write([whole]);
    this.happened = true;
    if (this.#fault.kind === 'flip') {
      whole[at]! ^= this.#fault.mask;
      return this.#inner.write([whole]);
    }
    if (at > 0) await this.#inner.write([whole.subarray(0, at)]);
    if (this.#fault.kind === 'cut') {
      this.close();
      throw new Error('the connection broke');
    }
    await new Promise<void>((_, reject) => {
      this.#closed = () => reject(new Error('the channel is closed'));
    });
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    return this.#inner.readExactly(into);
  }

  close(): void {
    this.#inner.close();
    this.#closed?.();
  }
}
