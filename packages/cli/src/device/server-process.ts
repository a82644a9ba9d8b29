import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Clock, delay } from '@godwit/clock';
import type { Native } from '@godwit/native';

/** How long a server may take to listen, or to be gone once its connection is. */
const START_MS = 10_000;
const END_MS = 1000;
const STEP_MS = 10;
/** A socket that is not there yet, or not listening yet. */
const NOT_YET: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED']);
/** Of what a server writes to its standard error, the end. */
const KEPT_ERRORS = 4096;

/** A vfio-user server that was started with the path of its socket for its last argument. */
export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #clock: Clock;
  readonly #closed: Promise<unknown>;
  #errors = '';

  constructor(command: string, socket: string, clock: Clock) {
    const [program, ...args] = command.split(/ +/).filter(Boolean);
    this.#clock = clock;
    this.#child = spawn(program ?? '', [...args, socket], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child.stderr?.on('data', (chunk) => {
      this.#errors = `${this.#errors}${chunk}`.slice(-KEPT_ERRORS);
    });
    // Rejects where the program cannot be run.
    this.#closed = once(this.#child, 'close').catch((error: Error) => {
      this.#errors = error.message;
    });
  }

  /** A connection to its socket, once it listens; rejects where it ends before, or takes too long. */
  async connect(native: Native, socket: string): Promise<number> {
    for (let waited = 0; ; waited += STEP_MS) {
      try {
        return native.connectUnix(socket);
      } catch (error) {
        if (waited > START_MS || !NOT_YET.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
      const why = this.#ended ? await this.whyGone() : undefined;
      if (why !== undefined) throw new Error(why);
      await delay(this.#clock, STEP_MS);
    }
  }

  /** How it ended, where it ends soon; undefined where it goes on. */
  async whyGone(): Promise<string | undefined> {
    await Promise.race([this.#closed, delay(this.#clock, END_MS)]);
    if (!this.#ended) return undefined;
    const { exitCode, signalCode, pid } = this.#child;
    if (pid === undefined) return `the server cannot be started: ${this.#errors}`;
    const how = signalCode === null ? `with status ${exitCode ?? 'unknown'}` : `by ${signalCode}`;
    const lines = this.#errors.trim().split('\n');
    const said = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1);
    return `the server ended ${how}${said ? `: ${said.trim()}` : ''}`;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Resolves when it is gone. */
  async gone(): Promise<void> {
    await this.#closed;
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined;
  }
}
