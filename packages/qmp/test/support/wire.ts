import assert from 'node:assert/strict';
import { type JsonObject, JsonReader, type JsonValue, parse } from '@godwit/json';
import type { Transport } from '../../src/index.js';

/** The other end of a monitor's transport, at the level of messages. */
export class Wire {
  readonly transport: Transport;
  readonly received: JsonObject[] = [];
  text = '';
  fds: number[] = [];
  ended = false;
  closed = false;
  readonly #reader = new JsonReader();

  constructor(transport: Transport) {
    this.transport = transport;
    transport.start({
      data: (chunk, fds) => {
        this.text += Buffer.from(chunk).toString('latin1');
        this.fds.push(...fds);
        this.#reader.push(chunk);
        for (let message = this.#reader.read(); message !== undefined; message = this.#reader.read()) {
          assert(message.error === undefined, message.error?.message);
          this.received.push(message.value as JsonObject);
        }
      },
      drain: () => {},
      ended: () => {
        this.ended = true;
      },
      closed: () => {
        this.closed = true;
      },
    });
  }

  send(text: string, fds: readonly number[] = []): void {
    this.transport.write(Buffer.from(text), fds);
  }

  /** What has come since the last call, once the event loop has nothing left to do for it. */
  async take(): Promise<JsonObject[]> {
    await settle();
    return this.received.splice(0);
  }

  /** Sends one message and returns the one that answers it. */
  async ask(text: string, fds: readonly number[] = []): Promise<JsonObject> {
    this.send(text, fds);
    const messages = await this.take();
    assert.equal(messages.length, 1, `${text} was answered by ${messages.length} messages`);
    return messages[0]!;
  }

  async negotiate(oob = false): Promise<void> {
    const [greeting] = await this.take();
    assert(greeting?.QMP !== undefined);
    const args = oob ? ', "arguments": {"enable": ["oob"]}' : '';
    assert.deepEqual(await this.ask(`{"execute": "qmp_capabilities"${args}}`), plain('{"return": {}}'));
  }
}

/** A JSON text as the reader makes it, for comparisons. */
export function plain(text: string): JsonValue {
  return parse(text);
}

export function errorReply(errorClass: string, desc: string, id?: JsonValue): JsonValue {
  const reply = Object.create(null) as JsonObject;
  reply.error = Object.assign(Object.create(null), { class: errorClass, desc }) as JsonObject;
  if (id !== undefined) reply.id = id;
  return reply;
}

/** A few turns of the event loop: enough for what promises and immediates have started. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
}
