import { type Clock, delay } from '@godwit/clock';
import { type Commands, type Events, protocol } from '@godwit/machine/protocol';
import { clientCodec } from '@godwit/qapi/runtime';
import { QmpClient } from '@godwit/qmp';
import { ChildProgram } from './child-program.js';

/** How long a machine may take to answer at first, in milliseconds. */
const START_LIMIT_MS = 20_000;
/** How long after its connection its process may end. */
const ENDING_MS = 1000;
/** How long it may take to answer a command; looking at all of RAM is one. */
const REPLY_LIMIT_MS = 60_000;

export type MachineClient = QmpClient<Commands, Events>;

/** A `godwit machine` in a process of its own, and a QMP client of it. */
export class MachineProcess {
  readonly #clock: Clock;
  readonly #program: ChildProgram;
  #client: MachineClient | undefined;

  /**
   * @param godwit the script that is the command
   * @param args the options of `godwit machine`
   */
  constructor(godwit: string, name: string, args: readonly string[], clock: Clock) {
    this.#clock = clock;
    this.#program = new ChildProgram(godwit, name, ['machine', '-name', name, ...args], clock);
  }

  get name(): string {
    return this.#program.name;
  }

  get pid(): number {
    return this.#program.pid;
  }

  get client(): MachineClient {
    if (this.#client === undefined) throw new Error(`${this.name} is not connected`);
    return this.#client;
  }

  get alive(): boolean {
    return this.#program.alive;
  }

  /** Connects to the machine's QMP socket as soon as it is there. Rejects with what the machine says when it ends first. */
  async connect(path: string, signal: AbortSignal): Promise<MachineClient> {
    const ended = new AbortController();
    const lastWords = this.#program.lastWords();
    void lastWords.then(() => ended.abort());
    try {
      this.#client = await QmpClient.connect(
        { kind: 'unix', path },
        {
          protocol: clientCodec(protocol),
          clock: this.#clock,
          signal: AbortSignal.any([signal, ended.signal]),
          awaitServer: true,
          connectTimeoutMs: START_LIMIT_MS,
          timeoutMs: REPLY_LIMIT_MS,
        },
      );
      return this.#client;
    } catch (error) {
      signal.throwIfAborted();
      // A connection that broke tells little; how the machine ended tells more.
      const words = await Promise.race([lastWords, delay(this.#clock, ENDING_MS)]);
      if (words === undefined)
        throw new Error(`the ${this.name} does not answer at ${path}`, { cause: error });
      throw new Error(`the ${this.name} did not start: ${words}`);
    }
  }

  /** Resolves when the machine has ended by itself, with why. */
  ended(): Promise<Error> {
    return this.#program.ended();
  }

  /** Has the machine leave, by force if need be. Idempotent. */
  async close(): Promise<void> {
    await this.#client?.close();
    await this.#program.close();
  }
}
