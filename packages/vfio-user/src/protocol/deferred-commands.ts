import { ProtocolError } from './errors.js';
import type { Message } from './receiver.js';

const MAX_COMMANDS = 4096;
const MAX_BYTES = 16 * 1024 * 1024;

/** Commands that came while a reply was waited for, in order. */
export class DeferredCommands {
  readonly #messages: Message[] = [];
  #bytes = 0;

  get empty(): boolean {
    return this.#messages.length === 0;
  }

  /** Takes a command in, whatever happens. Throws a ProtocolError where there are too many by now. */
  push(message: Message): void {
    this.#bytes += message.payload.length;
    this.#messages.push(message);
    if (this.#messages.length > MAX_COMMANDS || this.#bytes > MAX_BYTES) {
      throw new ProtocolError('the peer sends commands without end instead of a reply');
    }
  }

  shift(): Message | undefined {
    const message = this.#messages.shift();
    if (message !== undefined) this.#bytes -= message.payload.length;
    return message;
  }

  /** Takes all of them out. */
  clear(): Message[] {
    this.#bytes = 0;
    return this.#messages.splice(0);
  }
}
