import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JsonObject, JsonReader } from '@godwit/json';
import { requireNative } from '@godwit/native';
import { connectTransport, type Transport } from '../src/index.js';
import type { Descriptor } from './exchange.js';

const native = requireNative('the conformance run');

/** A client that takes what comes: it compares, and understands nothing. */
export class MonitorConnection {
  readonly #transport: Transport;
  readonly #reader = new JsonReader();
  readonly #messages: JsonObject[] = [];
  #text = '';
  #changed: () => void = () => {};
  #closed = false;

  private constructor(transport: Transport) {
    this.#transport = transport;
    transport.start({
      data: (chunk) => {
        this.#text += Buffer.from(chunk).toString('latin1');
        this.#reader.push(chunk);
        for (let message = this.#reader.read(); message !== undefined; message = this.#reader.read()) {
          this.#messages.push(
            message.error === undefined
              ? (message.value as JsonObject)
              : { unreadable: message.error.message },
          );
        }
        this.#changed();
      },
      drain: () => {},
      ended: () => transport.end(),
      closed: () => {
        this.#closed = true;
        this.#changed();
      },
    });
  }

  /** Connects and waits for the greeting. A server that is still busy with the last client makes it wait. */
  static async open(path: string): Promise<MonitorConnection> {
    const connection = new MonitorConnection(await connectTransport({ kind: 'unix', path }, { native }));
    return connection;
  }

  async send(
    bytes: Uint8Array,
    chunk: number | undefined,
    descriptors: readonly Descriptor[],
  ): Promise<void> {
    const fds = descriptors.flatMap(openDescriptor);
    if (chunk === undefined) {
      this.#transport.write(bytes, fds);
      return;
    }
    for (let start = 0; start < bytes.length; start += chunk) {
      this.#transport.write(bytes.subarray(start, start + chunk), start === 0 ? fds : []);
      // The server's turn, so that the pieces arrive as pieces.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits for so many messages and returns them, or those that came within the limit. */
  async take(count: number, limitMs: number): Promise<JsonObject[]> {
    const deadline = Date.now() + limitMs;
    while (this.#messages.length < count && !this.#closed) {
      const left = deadline - Date.now();
      if (left <= 0) break;
      const timer = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#changed = resolve;
        }),
        sleep(left, undefined, { signal: timer.signal }).catch(() => {}),
      ]);
      timer.abort();
    }
    return this.#messages.splice(0, count);
  }

  /** What came beyond what was taken. */
  rest(): JsonObject[] {
    return this.#messages.splice(0);
  }

  /** The text as it came since the last call. */
  takeText(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  close(): void {
    this.#transport.destroy();
  }
}

function openDescriptor(kind: Descriptor): number[] {
  switch (kind) {
    case 'null-read':
      return [openSync('/dev/null', 'r')];
    case 'null-write':
      return [openSync('/dev/null', 'w')];
    case 'null-read-write':
      return [openSync('/dev/null', 'r+')];
    case 'socket': {
      const [ours, theirs] = native.socketpair();
      closeSync(theirs);
      return [ours];
    }
  }
}
