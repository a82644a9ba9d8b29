import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { asError, MigrationError } from '../errors.js';
import type { Channel } from '../ports.js';
import { StreamChannel } from './stream-channel.js';

/** How much of what a program says on its standard error is kept for the error message, in bytes. */
const MAX_COMPLAINT = 1024;

/** A program that takes a migration on its standard input, or gives one on its standard output (`exec:COMMAND`). */
export class ExecChannel implements Channel {
  readonly medium = 'command';
  readonly oneWay = true;
  readonly #child: ChildProcess;
  readonly #streams: StreamChannel;
  readonly #name: string;
  readonly #exited: Promise<unknown>;
  #complaint = '';

  private constructor(child: ChildProcess, direction: 'write' | 'read', name: string) {
    this.#child = child;
    this.#name = name;
    this.#streams = new StreamChannel(
      direction === 'write' ? { writable: child.stdin! } : { readable: child.stdout! },
      this.medium,
    );
    this.#exited = once(child, 'exit').then(lookAtEveryDescriptor);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      if (this.#complaint.length < MAX_COMPLAINT) this.#complaint += text;
    });
  }

  /** Starts `args[0]` with the other arguments; rejects when it cannot be started. */
  static async start(args: readonly string[], direction: 'write' | 'read'): Promise<ExecChannel> {
    const [program, ...rest] = args;
    if (program === undefined) throw new MigrationError('exec: needs a program to run');
    const child = spawn(program, rest, {
      stdio: direction === 'write' ? ['pipe', 'ignore', 'pipe'] : ['ignore', 'pipe', 'pipe'],
    });
    // Node reports a program that cannot be started by an event.
    await once(child, 'spawn');
    return new ExecChannel(child, direction, program);
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    try {
      await this.#streams.write(chunks);
    } catch (cause) {
      throw new MigrationError((await this.#failure()) ?? asError(cause).message, { cause });
    }
  }

  async readExactly(into: Uint8Array): Promise<boolean> {
    try {
      if (await this.#streams.readExactly(into)) return true;
    } catch (cause) {
      throw new MigrationError((await this.#failure()) ?? asError(cause).message, { cause });
    }
    const failure = await this.#failure();
    if (failure !== undefined) throw new MigrationError(failure);
    return false;
  }

  /** Resolves when the program has taken everything and ended with status 0. */
  async finish(): Promise<void> {
    await this.#streams.finish();
    await this.#exited;
    const failure = this.#outcome();
    if (failure !== undefined) throw new MigrationError(failure);
  }

  /** The program takes or gives no more: how it ended, where that was not well. It may have forgotten to end. */
  async #failure(): Promise<string | undefined> {
    const running = this.#running;
    if (running) this.#child.kill();
    await this.#exited;
    return running && this.#child.signalCode === 'SIGTERM' ? undefined : this.#outcome();
  }

  #outcome(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === 0) return undefined;
    const how = signalCode === null ? `with status ${exitCode}` : `by ${signalCode}`;
    const complaint = this.#complaint.trim().slice(0, MAX_COMPLAINT);
    return `'${this.#name}' ended ${how}${complaint === '' ? '' : `: ${complaint}`}`;
  }

  get #running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  close(): void {
    this.#streams.close();
    if (this.#running) this.#child.kill();
  }
}

/**
 * What a program said last is in the pipe when its end is told, but may not have been read. The end of the pipe is not
 * waited for, since the program's own children may keep it open: one turn of the event loop reads what is there.
 */
async function lookAtEveryDescriptor(): Promise<void> {
  // The first comes in the turn that told of the end.
  await nextTurn();
  await nextTurn();
}
