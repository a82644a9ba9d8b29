import { createConnection, createServer, type Server, type Socket } from 'node:net';
import type { Fault } from './fault.js';

/** Stands between the two machines, passes on what they send, and does to it what the fault says. */
export class FaultyProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #fault: Fault;
  readonly #target: string;
  /** Bytes passed on from the source. */
  passed = 0;
  /** The fault has happened. */
  struck = false;

  /** @param target the path of the socket at which the destination listens */
  static async listen(path: string, target: string, fault: Fault): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(target, fault);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once('error', reject);
      proxy.#server.listen(path, resolve);
    });
    return proxy;
  }

  private constructor(target: string, fault: Fault) {
    this.#target = target;
    this.#fault = fault;
    this.#server = createServer((source) => this.#join(source));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(source: Socket): void {
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
    const { kind } = this.#fault;
    pass(source, destination, (chunk, at) => {
      this.passed = at + chunk.length;
      return kind === 'flip' || kind === 'cut' || kind === 'stall' ? this.#strike(chunk, at, ends) : chunk;
    });
    pass(destination, source, (chunk, at) =>
      kind === 'cut-answers' ? this.#strike(chunk, at, ends) : chunk,
    );
  }

  /** What becomes of a chunk whose first byte is the `at`th; undefined when nothing more is to be passed on. */
  #strike(chunk: Buffer, at: number, ends: readonly Socket[]): Buffer | undefined {
    const fault = this.#fault;
    if (!('offset' in fault)) return chunk;
    const index = fault.offset - at;
    if (index < 0) return fault.kind === 'flip' ? chunk : undefined;
    if (index >= chunk.length) return chunk;
    this.struck = true;
    if (fault.kind === 'flip') {
      chunk[index]! ^= fault.mask;
      return chunk;
    }
    if (fault.kind === 'stall') return chunk.subarray(0, index);
    for (const end of ends) end.destroy();
    return undefined;
  }
}

function pass(from: Socket, to: Socket, change: (chunk: Buffer, at: number) => Buffer | undefined): void {
  let at = 0;
  from.on('data', (chunk: Buffer) => {
    const changed = change(chunk, at);
    at += chunk.length;
    if (changed === undefined || changed.length === 0) return;
    if (to.write(changed)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('end', () => to.end());
}
