import { Worker } from 'node:worker_threads';
import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { ObjectPropertyInfo } from '../generated/index.js';
import type { MachineEnvironment } from '../machine-environment.js';
import { QomObject } from '../qom/object.js';
import { integerValue } from '../qom/values.js';

/** Settings of an iothread with their defaults, all signed 64-bit and not negative. */
const SETTINGS = {
  'poll-max-ns': 32768n,
  'poll-grow': 0n,
  'poll-shrink': 0n,
  'aio-max-batch': 0n,
  'thread-pool-min': 0n,
  'thread-pool-max': 64n,
} as const;

export type IoThreadSetting = keyof typeof SETTINGS;

/** What every iothread has, as qom-list-properties shows it. */
export const IOTHREAD_PROPERTIES: readonly ObjectPropertyInfo[] = Object.entries(SETTINGS).map(
  ([name, value]): ObjectPropertyInfo => ({ name, type: 'int', 'default-value': value }),
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
      if (!Object.hasOwn(SETTINGS, name)) throw new QapiError('GenericError', `Invalid parameter '${name}'`);
      object.set(name, typeof value === 'string' ? parseInt64(name, value) : value);
    }
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
          const number = integerValue(name, value);
          if (number < 0n || number > MAX_INT64) {
            throw new QapiError('GenericError', `${name} value must be in range [0, ${MAX_INT64}]`);
          }
          this.#settings[name] = number;
        },
      });
    }
    this.addProperty('thread-id', { type: 'int', get: () => this.#threadId });
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
    throw new QapiError('GenericError', `Parameter '${name}' expects an int64 value`);
  }
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
}
