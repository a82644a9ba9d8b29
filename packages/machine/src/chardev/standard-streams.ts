import type { Readable, Writable } from 'node:stream';
import { StreamTransport, type Transport, type TransportHandler } from '@godwit/qmp';
import { WrappedTransport } from './wrapped-transport.js';

/** Control-C, as a terminal in raw mode sends it. */
const INTERRUPT = 0x03;

export interface StandardStreams {
  readonly input: Readable;
  readonly output: Writable;
}

/** A terminal, which can hand on every key at once. */
interface RawTerminal {
  setRawMode(raw: boolean): unknown;
}

/**
 * Standard input and output (-chardev stdio). A terminal hands on every key at once and echoes none of them, until the
 * connection is closed.
 * @param onInterrupt called for Control-C; without it, the key is one like others
 */
export function standardTransport(
  { input, output }: StandardStreams,
  onInterrupt: (() => void) | undefined,
): Transport {
  const transport = new StreamTransport({ input, output });
  return isTerminal(input) ? new TerminalStreams(transport, input, onInterrupt) : transport;
}

function isTerminal(input: object): input is RawTerminal {
  return 'isTTY' in input && input.isTTY === true && 'setRawMode' in input;
}

class TerminalStreams extends WrappedTransport {
  readonly #terminal: RawTerminal;
  readonly #onInterrupt: (() => void) | undefined;

  constructor(inner: Transport, terminal: RawTerminal, onInterrupt: (() => void) | undefined) {
    super(inner);
    this.#terminal = terminal;
    this.#onInterrupt = onInterrupt;
    terminal.setRawMode(true);
  }

  override start(handler: TransportHandler): void {
    const onInterrupt = this.#onInterrupt;
    super.start({
      data: (chunk, fds) => {
        if (onInterrupt === undefined) handler.data(chunk, fds);
        else {
          const keys = chunk.filter((key) => key !== INTERRUPT);
          if (keys.length < chunk.length) onInterrupt();
          if (keys.length > 0) handler.data(keys, fds);
        }
      },
      drain: () => handler.drain(),
      ended: () => handler.ended(),
      closed: (error) => handler.closed(error),
    });
  }

  override end(): void {
    this.#terminal.setRawMode(false);
    super.end();
  }

  override destroy(): void {
    this.#terminal.setRawMode(false);
    super.destroy();
  }
}
