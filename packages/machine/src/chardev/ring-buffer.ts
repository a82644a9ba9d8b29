import { Readable, Writable } from 'node:stream';
import { StreamTransport, type Transport } from '@godwit/qmp';

/** Keeps the last bytes that were written, until they are read (-chardev ringbuf). */
export class RingBuffer {
  readonly size: number;
  #bytes: Buffer = Buffer.alloc(0);

  /** @param size bytes */
  constructor(size: number) {
    this.size = size;
  }

  write(bytes: Uint8Array): void {
    const all = Buffer.concat([this.#bytes, bytes]);
    this.#bytes = all.subarray(Math.max(0, all.length - this.size));
  }

  /** Takes up to `length` bytes out, the oldest first. */
  read(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(taken.length);
    return Buffer.from(taken);
  }

  /** Takes what a frontend writes; nothing ever comes from it. */
  transport(): Transport {
    const input = new Readable({ read() {} });
    const output = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.write(chunk);
        done();
      },
    });
    return new StreamTransport({ input, output });
  }
}
