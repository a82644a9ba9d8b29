import { requireNative } from '@godwit/native';
import { connectTransport, type Transport } from '../src/index.js';

const native = requireNative('the benchmark');
const lineFeed = 0x0a;

/** A client that costs next to nothing, so that what is measured is the server: it counts the ends of lines. */
export class RawClient {
  readonly #transport: Transport;
  #lines = 0;
  #wanted = 0;
  #reached: () => void = () => {};

  private constructor(transport: Transport) {
    this.#transport = transport;
    transport.start({
      data: (chunk) => {
        for (let at = chunk.indexOf(lineFeed); at >= 0; at = chunk.indexOf(lineFeed, at + 1)) this.#lines++;
        if (this.#wanted > 0 && this.#lines >= this.#wanted) {
          this.#lines -= this.#wanted;
          this.#wanted = 0;
          this.#reached();
        }
      },
      drain: () => {},
      ended: () => transport.end(),
      closed: () => {},
    });
  }

  /** Connects and waits for the greeting. */
  static async connect(path: string): Promise<RawClient> {
    const client = new RawClient(await connectTransport({ kind: 'unix', path }, { native }));
    await client.lines(1);
    return client;
  }

  static async negotiated(path: string): Promise<RawClient> {
    const client = await RawClient.connect(path);
    await client.exchange(Buffer.from('{"execute": "qmp_capabilities"}'), 1);
    return client;
  }

  /** Sends bytes and waits for so many messages. */
  exchange(bytes: Uint8Array, messages: number): Promise<void> {
    const done = this.lines(messages);
    this.#transport.write(bytes);
    return done;
  }

  lines(count: number): Promise<void> {
    if (this.#lines >= count) {
      this.#lines -= count;
      return Promise.resolve();
    }
    this.#wanted = count;
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }

  close(): void {
    this.#transport.destroy();
  }
}
