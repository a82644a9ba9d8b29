import { Worker } from 'node:worker_threads';
import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { ObjectPropertyInfo } from '../generated/index.js';
import type { MachineEnvironment } from '../machine-environment.js';
import { QomObject } from '../qom/object.js';
import { integerValue } from '../qom/values.js';

/** Settings of an iothread with their defaults, all signed 64-bit and not negative. */
const SETTINGS = {
  'thread-pool-min': 0n,
  'aio-max-batch': 0n,
  'thread-pool-max': 64n,
  'poll-max-ns': 32768n,
  'poll-grow': 0n,
  'poll-shrink': 0n,
} as const;

export type IoThreadSetting = keyof typeof SETTINGS;

/** What every iothread has, as qom-list-properties shows it. */
export const IOTHREAD_PROPERTIES: readonly ObjectPropertyInfo[] = Object.keys(SETTINGS).map(
  (name): ObjectPropertyInfo => ({ name, type: 'int' }),
);

const MAX_INT64 = 2n ** 63n - 1n;

/** A thread that does I/O for devices. */
export class IoThread extends QomObject {
  readonly #settings: Record<IoThreadSetting, bigint> = { ...SETTINGS };
  #worker: Worker | undefined;
  /** The kernel's id of the thread. */
  #threadId: number;

  /** Starts the thread. @throws QapiError for a setting that is not known or out of range */
  static async create(
    properties: Readonly<Record<string, JsonValue>>,
    environment: MachineEnvironment,
  ): Promise<IoThread> {
    const object = new IoThread();
    for (const [name, value] of Object.entries(properties)) {
      if (!Object.hasOwn(SETTINGS, name))
        throw new QapiError('GenericError', `Parameter '${name}' is unexpected`);
      // Of the pool's limits, only both together must fit.
      object.#change(name as IoThreadSetting, typeof value === 'string' ? parseInt64(name, value) : value);
    }
    object.#checkPool();
    if (environment.threads) await object.#start();
    return object;
  }

  private constructor() {
    super('iothread');
    this.#threadId = process.pid;
    for (const name of Object.keys(SETTINGS) as IoThreadSetting[]) {
      this.addProperty(name, {
        type: 'int',
        get: () => this.#settings[name],
        set: (value) => {
          const before = this.#settings[name];
          this.#change(name, value);
          try {
            this.#checkPool();
          } catch (error) {
            this.#settings[name] = before;
            throw error;
          }
        },
      });
    }
  }

  get threadId(): number {
    return this.#threadId;
  }

  setting(name: IoThreadSetting): bigint {
    return this.#settings[name];
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** @throws QapiError for a value that is none of 64 bits, or negative */
  #change(name: IoThreadSetting, value: JsonValue): void {
    const number = integerValue(name, value);
    if (number > MAX_INT64) {
      throw new QapiError('GenericError', `Invalid parameter type for '${name}', expected: integer`);
    }
    if (number < 0n) {
      throw new QapiError('GenericError', `${name} value must be in range [0, ${MAX_INT64}]`);
    }
    this.#settings[name] = number;
  }

  #checkPool(): void {
    const { 'thread-pool-min': least, 'thread-pool-max': most } = this.#settings;
    if (most === 0n || least > most) {
      throw new QapiError('GenericError', 'bad thread-pool-min/thread-pool-max values');
    }
  }

  async #start(): Promise<void> {
    const worker = new Worker(new URL('./iothread-worker.js', import.meta.url));
    this.#worker = worker;
    this.#threadId = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    worker.unref();
  }
}

/** The value of an option, which is text. */
function parseInt64(name: string, text: string): bigint {
  if (!/^-?(?:0x[0-9a-f]+|\d+)$/i.test(text)) {
    throw new QapiError('GenericError', `Parameter '${name}' expects integer`);
  }
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}
