import type { Transport, TransportHandler } from '@godwit/qmp';
import { WrappedTransport } from './wrapped-transport.js';

/** Interpret as command (RFC 854). */
const IAC = 255;
/** WILL, WONT, DO and DONT are followed by an option. */
const FIRST_WITH_OPTION = 251;

/** Echo and suppress go-ahead here, eight bits both ways: a terminal that sends every key at once, as it is. */
const GREETING = Uint8Array.of(IAC, 251, 1, IAC, 251, 3, IAC, 251, 0, IAC, 253, 0);

/** A client that speaks telnet: it is told how to behave, and what it says about itself is dropped. */
export class TelnetTransport extends WrappedTransport {
  #state: 'data' | 'command' | 'option' = 'data';

  constructor(inner: Transport) {
    super(inner);
    inner.write(GREETING);
  }

  override start(handler: TransportHandler): void {
    super.start({
      data: (chunk, fds) => handler.data(this.#plain(chunk), fds),
      drain: () => handler.drain(),
      ended: () => handler.ended(),
      closed: (error) => handler.closed(error),
    });
  }

  #plain(chunk: Uint8Array): Uint8Array {
    const plain: number[] = [];
    for (const byte of chunk) {
      switch (this.#state) {
        case 'data':
          if (byte === IAC) this.#state = 'command';
          else plain.push(byte);
          break;
        case 'command':
          // Two of them stand for the byte itself.
          if (byte === IAC) plain.push(byte);
          this.#state = byte >= FIRST_WITH_OPTION && byte < IAC ? 'option' : 'data';
          break;
        case 'option':
          this.#state = 'data';
      }
    }
    return Uint8Array.from(plain);
  }
}
