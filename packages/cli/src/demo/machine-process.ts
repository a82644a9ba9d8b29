import { type ChildProcess, fork } from 'node:child_process';
import { type Clock, delay } from '@godwit/clock';
import { type Commands, type Events, protocol } from '@godwit/machine/protocol';
import { clientCodec } from '@godwit/qapi/runtime';
import { QmpClient } from '@godwit/qmp';

/** How long a machine may take to answer at first, and to leave when it is told to, in milliseconds. */
const START_LIMIT_MS = 20_000;
const LEAVE_LIMIT_MS = 3000;
/** How long it may take to answer a command; looking at all of RAM is one. */
const REPLY_LIMIT_MS = 60_000;
/** What is kept of a machine's error output. */
const MAX_COMPLAINT = 4096;

export type MachineClient = QmpClient<Commands, Events>;

/**
 * A `godwit machine` in a process of its own, and a QMP client of it. The process is in a session of its own, so that
 * Ctrl-C reaches it through us alone; and it has a channel to us, so that it ends when we are gone, however that came.
 */
export class MachineProcess {
  readonly name: string;
  readonly pid: number;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #client: MachineClient | undefined;
  #complaint = '';

  /**
   * @param godwit the script that is the command
   * @param args the options of `godwit machine`
   */
  constructor(godwit: string, name: string, args: readonly string[], clock: Clock) {
    this.name = name;
    this.#clock = clock;
    this.#child = fork(godwit, ['machine', '-name', name, ...args], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      execArgv: [],
    });
    this.pid = this.#child.pid ?? 0;
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve());
      this.#child.once('close', () => resolve());
    });
  }

  get client(): MachineClient {
    if (this.#client === undefined) throw new Error(`${this.name} is not connected`);
    return this.#client;
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Connects to the machine's QMP socket as soon as it is there. Rejects with what the machine says when it ends first. */
  async connect(path: string, signal: AbortSignal): Promise<MachineClient> {
    const giveUpAt = this.#clock.now() + START_LIMIT_MS;
    for (;;) {
      signal.throwIfAborted();
      try {
        this.#client = await QmpClient.connect(
          { kind: 'unix', path },
          { protocol: clientCodec(protocol), clock: this.#clock, signal, timeoutMs: REPLY_LIMIT_MS },
        );
        return this.#client;
      } catch (error) {
        if (!this.alive) throw new Error(`the ${this.name} did not start: ${await this.#lastWords()}`);
        if (this.#clock.now() > giveUpAt) {
          throw new Error(`the ${this.name} does not answer at ${path}`, { cause: error });
        }
      }
      await delay(this.#clock, 10);
    }
  }

  /** Resolves when the machine has ended by itself, with why. */
  async ended(): Promise<Error> {
    await this.#exited;
    return new Error(`the ${this.name} ended: ${await this.#lastWords()}`);
  }

  /** Has the machine leave, by force if need be. Idempotent. */
  async close(): Promise<void> {
    await this.#client?.close();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (!this.alive || this.pid === 0) break;
      this.#child.kill(signal);
      await this.#exitWithin(LEAVE_LIMIT_MS);
    }
    if (this.pid !== 0) await this.#exited;
  }

  #exitWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(resolve, ms);
      void this.#exited.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  async #lastWords(): Promise<string> {
    await this.#exited;
    const { exitCode, signalCode } = this.#child;
    const said = this.#complaint.trim();
    if (said !== '') return said;
    return signalCode === null ? `exit code ${exitCode}` : `killed by ${signalCode}`;
  }
}
