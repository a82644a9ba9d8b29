import { type Native, requireNative } from '@godwit/native';
import { encodeVersion } from '../src/protocol/capabilities.js';
import { Command, HEADER, REGION_ACCESS } from '../src/protocol/messages.js';

/** BAR1 of the sample device. */
const REGION = 1;
const FDS: number[] = [];

/** A client that does nothing but read a region, as fast as it can: blocking, with a fixed number of requests on the way. */
export class RegionReader {
  readonly #native: Native = requireNative('the benchmark');
  readonly #fd: number;
  readonly #into = Buffer.alloc(64 * 1024);

  constructor(path: string) {
    this.#fd = this.#native.connectUnix(path);
    const version = encodeVersion({
      major: 0,
      minor: 0,
      capabilities: {
        maxMessageFds: 1,
        maxDataTransferSize: 1024 * 1024,
        maxDmaMaps: 1,
        pageSizes: 4096,
        writeMultiple: false,
        twinSocket: { supported: false },
      },
    });
    this.#send(message(Command.VERSION, version));
    this.#receive(HEADER.size);
    this.#receive(this.#into.readUInt32LE(4) - HEADER.size);
  }

  /** Microseconds for each read of `size` bytes, `outstanding` of them on the way at any time. */
  measure(size: number, outstanding: number, reads: number): number {
    const request = message(
      Command.REGION_READ,
      REGION_ACCESS.encode({ offset: 0, region: REGION, count: size }),
    );
    const reply = HEADER.size + REGION_ACCESS.size + size;
    const start = performance.now();
    for (let sent = 0; sent < outstanding; sent++) this.#send(request);
    for (let received = 0; received < reads; received++) {
      this.#receive(reply);
      if (received + outstanding < reads) this.#send(request);
    }
    return ((performance.now() - start) * 1000) / reads;
  }

  close(): void {
    this.#native.close(this.#fd);
  }

  #send(bytes: Buffer): void {
    while (this.#native.sendmsg(this.#fd, [bytes], FDS) === 0) {
      this.#native.waitReady(this.#fd, { writable: true }, 1000);
    }
  }

  #receive(length: number): void {
    for (let at = 0; at < length; ) {
      const got = this.#native.receive(this.#fd, this.#into, at, length, FDS);
      if (got === 0) throw new Error('the server has left');
      if (got > 0) at += got;
      else this.#native.waitReady(this.#fd, { readable: true }, 1000);
    }
  }
}

function message(command: number, payload: Buffer): Buffer {
  const size = HEADER.size + payload.length;
  return Buffer.concat([HEADER.encode({ id: 1, command, size, flags: 0, errno: 0 }), payload]);
}
