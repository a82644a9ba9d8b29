import type { Native } from '@godwit/native';
import { VfioError } from '@godwit/vfio';
import type { Connection } from '../protocol/connection.js';
import { ProtocolError } from '../protocol/errors.js';
import { commandName } from '../protocol/messages.js';
import type { Reply } from '../protocol/pending-requests.js';

/** What a reply may bring. */
export interface Expectation {
  /** Payload bytes, at least and at most; default 0. */
  readonly min?: number;
  readonly max?: number;
  /** Descriptors at most; default 0. */
  readonly fds?: number;
  /** The answer may take six times as long as another's. */
  readonly slow?: boolean;
}

/** How much longer than another request a slow one may take. */
const SLOW = 6;

/** Asks a server, and takes only what may be an answer. */
export class Requester {
  readonly #native: Native;
  readonly #connection: Connection;
  readonly #timeoutMs: number;

  constructor(native: Native, connection: Connection, timeoutMs: number) {
    this.#native = native;
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Rejects with the VfioError that the server replied, a DisconnectedError where it is gone, or a ProtocolError, which
   * ends the connection. The descriptors are closed once sent; those of the reply belong to the caller.
   */
  async ask(
    command: number,
    payload: readonly Uint8Array[],
    { min = 0, max = 0, fds: maxFds = 0, slow = false }: Expectation = {},
    fds: readonly number[] = [],
  ): Promise<Reply> {
    const timeoutMs = this.#timeoutMs * (slow ? SLOW : 1);
    const reply = await this.#connection.request(command, payload, { fds, timeoutMs });
    const { length } = reply.payload;
    if (length === 0 && min > 0 && reply.fds.length === 0) {
      // libvfio-user answers so where a request failed without an errno.
      throw new VfioError('EIO', `the peer answers ${commandName(command)} with nothing`);
    }
    if (length < min || length > max || reply.fds.length > maxFds) {
      const count = reply.fds.length;
      this.drop(reply);
      throw this.broken(`the reply to ${commandName(command)} has ${length} bytes and ${count} descriptors`);
    }
    return reply;
  }

  /** Takes back the payload of a reply that is no longer needed; for large ones. */
  recycle(reply: Reply): void {
    this.#connection.recycle(reply);
  }

  /** Closes the descriptors of a reply that nobody took out of it. */
  drop(reply: Reply): void {
    for (const fd of reply.fds.splice(0)) this.#native.close(fd);
  }

  /** Ends the connection: the server has broken the protocol. */
  broken(message: string): ProtocolError {
    const error = new ProtocolError(message);
    this.#connection.close(error);
    return error;
  }
}
