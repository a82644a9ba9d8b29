import { connect, type Socket } from 'node:net';

/** A client of a socket that is no QMP monitor: bytes in, bytes out. */
export class SocketConnection {
  readonly #socket: Socket;
  #text = '';
  #closed = false;
  #changed: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#text += chunk.toString('latin1');
      this.#changed();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#changed();
    });
  }

  static open(path: string): Promise<SocketConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new SocketConnection(socket)));
    });
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Takes all up to the next `end`, or what there was when the limit was over or the connection closed. */
  async takeUntil(end: string, limitMs: number): Promise<string> {
    let over = false;
    const timer = setTimeout(() => {
      over = true;
      this.#changed();
    }, limitMs);
    while (!this.#text.includes(end) && !this.#closed && !over) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
    clearTimeout(timer);
    const at = this.#text.indexOf(end);
    const length = at < 0 ? this.#text.length : at + end.length;
    const taken = this.#text.slice(0, length);
    this.#text = this.#text.slice(length);
    return taken;
  }

  close(): void {
    this.#socket.destroy();
  }
}
