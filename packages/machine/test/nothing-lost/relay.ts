import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Fault } from './fault.js';

/** Stands between two machines, passes on what they send, and harms one byte of it. */
export class Relay {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: string;
  #fault: Fault;
  /** Connections so far. */
  joined = 0;

  /** @param target the path at which the destination listens */
  static async listen(path: string, target: string, fault: Fault): Promise<Relay> {
    const relay = new Relay(target, fault);
    await new Promise<void>((resolve) => {
      relay.#server.listen(path, resolve);
    });
    return relay;
  }

  private constructor(target: string, fault: Fault) {
    this.#target = target;
    this.#fault = fault;
    this.#server = createServer((source) => this.#join(source));
  }

  /** The next connection comes to no harm. */
  heal(): void {
    this.#fault = { kind: 'none' };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(source: Socket): void {
    this.joined++;
    const destination = createConnection(this.#target);
    const ends = [source, destination];
    for (const socket of ends) {
      this.#sockets.add(socket);
      // An end that breaks takes the other with it.
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        for (const end of ends) end.destroy();
      });
    }
    this.#pass(source, destination, 'out');
    this.#pass(destination, source, 'back');
  }

  #pass(from: Socket, to: Socket, direction: 'out' | 'back'): void {
    const fault = this.#fault;
    const offset = fault.kind === 'stream' && fault.direction === direction ? fault.offset : Infinity;
    let passed = 0;
    from.on('data', (chunk: Buffer) => {
      const at = offset - passed;
      passed += chunk.length;
      if (fault.kind === 'stream' && at >= 0 && at < chunk.length) {
        if (fault.harm === 'cut') {
          from.destroy();
          return;
        }
        if (fault.harm === 'flip') chunk[at]! ^= fault.mask;
      }
      const stalled = fault.kind === 'stream' && fault.harm === 'stall' && passed > offset;
      if (stalled || to.write(chunk)) return;
      from.pause();
      to.once('drain', () => from.resume());
    });
    from.on('end', () => to.end());
  }
}
