import { type ChildProcess, fork } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Clock } from '@godwit/clock';

/** How long a program may take to leave when it is told to, in milliseconds. */
const LEAVE_LIMIT_MS = 3000;
/** What is kept of its error output. */
const MAX_COMPLAINT = 4096;

/**
 * A subcommand of `godwit` in a process of its own. The process is in a session of its own, so that Ctrl-C reaches it
 * through us alone; and it has a channel to us, so that it ends when we are gone, however that came.
 */
export class ChildProgram {
  readonly name: string;
  readonly pid: number;
  /** Its standard error, as text. */
  readonly errors: Readable;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  #complaint = '';

  /** @param godwit the script that is the command */
  constructor(godwit: string, name: string, args: readonly string[], clock: Clock) {
    this.name = name;
    this.#clock = clock;
    this.#child = fork(godwit, args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      execArgv: [],
    });
    this.pid = this.#child.pid ?? 0;
    this.errors = this.#child.stderr!.setEncoding('utf8');
    this.errors.on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-MAX_COMPLAINT);
    });
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve());
      this.#child.once('close', () => resolve());
    });
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resolves when the program has ended by itself, with why. */
  async ended(): Promise<Error> {
    return new Error(`the ${this.name} ended: ${await this.lastWords()}`);
  }

  /** What it said, or how it ended, once it has. */
  async lastWords(): Promise<string> {
    await this.#exited;
    const { exitCode, signalCode } = this.#child;
    const said = this.#complaint.trim();
    if (said !== '') return said;
    return signalCode === null ? `exit code ${exitCode}` : `killed by ${signalCode}`;
  }

  /** Has it leave, by force if need be. Idempotent. */
  async close(): Promise<void> {
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
}
