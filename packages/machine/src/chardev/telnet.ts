import type { Transport, TransportHandler } from '@godwit/qmp';
import { WrappedTransport } from './wrapped-transport.js';

/** Interpret as command (RFC 854). */
const IAC = 255;
/** WILL, WONT, DO and DONT are followed by an option. */
const FIRST_WITH_OPTION = 251;
const BREAK = 243;
/** What frames the data of a 3270: the end of a record (RFC 885), and both ends of a subnegotiation. */
const FRAMING: readonly number[] = [239, 250, 240];

/** Echo and suppress go-ahead here, eight bits both ways: a terminal that sends every key at once, as it is. */
const GREETING = Uint8Array.of(IAC, 251, 1, IAC, 251, 3, IAC, 251, 0, IAC, 253, 0);

/** Ends of records and eight bits both ways, and the question which terminal it is (RFC 1576). */
const GREETING_3270 = Uint8Array.of(
  ...[IAC, 253, 25, IAC, 251, 25, IAC, 253, 0, IAC, 251, 0],
  ...[IAC, 253, 24, IAC, 250, 24, 1, IAC, 240],
);

export interface TelnetOptions {
  /** The client is a terminal of the family 3270: whoever uses the device sees what frames its data. */
  readonly is3270: boolean;
  /** The client sends a break. */
  readonly onBreak: () => void;
}

/** A client that speaks telnet: it is told how to behave, and what it says about itself is dropped. */
export class TelnetTransport extends WrappedTransport {
  readonly #options: TelnetOptions;
  #state: 'data' | 'command' | 'option' = 'data';

  constructor(inner: Transport, options: TelnetOptions) {
    super(inner);
    this.#options = options;
    inner.write(options.is3270 ? GREETING_3270 : GREETING);
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
          plain.push(...this.#command(byte));
          this.#state = byte >= FIRST_WITH_OPTION && byte < IAC ? 'option' : 'data';
          break;
        case 'option':
          this.#state = 'data';
      }
    }
    return Uint8Array.from(plain);
  }

  /** What the user of the device sees of a command. */
  #command(byte: number): readonly number[] {
    // Two of them stand for the byte itself.
    if (byte === IAC) return [IAC];
    if (byte === BREAK) this.#options.onBreak();
    return this.#options.is3270 && FRAMING.includes(byte) ? [IAC, byte] : [];
  }
}
