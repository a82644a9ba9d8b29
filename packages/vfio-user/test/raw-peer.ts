import { encodeVersion } from '../src/protocol/capabilities.js';
import { Command, HEADER, HeaderFlag } from '../src/protocol/messages.js';
import { addon } from './served.js';

export interface RawMessage {
  readonly id: number;
  readonly command: number;
  readonly flags: number;
  readonly errno: number;
  readonly payload: Buffer;
  readonly fds: number[];
}

/** A message's bytes; `size` lies where it is given. */
export function raw(
  command: number,
  payload: Uint8Array = Buffer.alloc(0),
  { id = 1, flags = 0, errno = 0, size = HEADER.size + payload.length } = {},
): Buffer {
  return Buffer.concat([HEADER.encode({ id, command, size, flags, errno }), payload]);
}

/** A VERSION message as QEMU sends it. */
export function rawVersion(capabilities = {}): Buffer {
  return raw(
    Command.VERSION,
    encodeVersion({
      major: 0,
      minor: 0,
      capabilities: {
        maxMessageFds: 16,
        maxDataTransferSize: 1 << 20,
        maxDmaMaps: 65535,
        pageSizes: 4096,
        writeMultiple: true,
        twinSocket: { supported: false },
        migration: { pageSize: 4096, maxBitmapSize: 1 << 28 },
        ...capabilities,
      },
    }),
  );
}

/** The other end of a socket, which sends and receives whatever a test wants. */
export class RawPeer {
  readonly fd: number;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Sends all of it, giving the other side its turns. The descriptors are closed. */
  async send(bytes: Uint8Array, fds: number[] = []): Promise<void> {
    try {
      for (let at = 0, attached = fds; at < bytes.length; ) {
        const sent = addon.sendmsg(this.fd, [bytes.subarray(at)], attached);
        if (sent > 0) attached = [];
        at += sent;
        if (at < bytes.length) await new Promise(setImmediate);
      }
    } finally {
      for (const fd of fds) addon.close(fd);
    }
  }

  /** The next message; undefined when the other side has closed the connection. */
  async receive(): Promise<RawMessage | undefined> {
    const fds: number[] = [];
    const head = await this.#exactly(HEADER.size, fds);
    if (head === undefined) return undefined;
    const { id, command, flags, errno, size } = HEADER.read(head);
    const payload = await this.#exactly(size - HEADER.size, fds);
    return payload && { id, command, flags, errno, payload, fds };
  }

  /** Sends a command and returns its reply's errno: 0 for success. */
  async ask(
    bytes: Uint8Array,
    fds: number[] = [],
  ): Promise<{ errno: number; payload: Buffer; fds: number[] }> {
    await this.send(bytes, fds);
    const reply = await this.receive();
    if (reply === undefined) throw new Error('the other side has closed the connection');
    const failed = (reply.flags & HeaderFlag.ERROR) !== 0;
    return { errno: failed ? reply.errno : 0, payload: reply.payload, fds: reply.fds };
  }

  /** Receives a command, and answers it. */
  async answer(payload: Uint8Array = Buffer.alloc(0), errno = 0): Promise<RawMessage> {
    const request = await this.receive();
    if (request === undefined) throw new Error('the other side has closed the connection');
    const flags = HeaderFlag.REPLY | (errno === 0 ? 0 : HeaderFlag.ERROR);
    await this.send(raw(request.command, payload, { id: request.id, flags, errno }));
    return request;
  }

  close(): void {
    if (this.#open) addon.close(this.fd);
    this.#open = false;
  }

  async #exactly(length: number, fds: number[]): Promise<Buffer | undefined> {
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; ) {
      let got: number;
      try {
        got = addon.receive(this.fd, bytes, at, length, fds);
      } catch {
        return undefined;
      }
      if (got === 0) return undefined;
      if (got < 0) await new Promise(setImmediate);
      else at += got;
    }
    return bytes;
  }
}
