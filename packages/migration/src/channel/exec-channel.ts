import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { MigrationError } from '../errors.js';
import type { Channel } from '../ports.js';
import { StreamChannel } from './stream-channel.js';

/** How much of what a program says on its standard error is kept for the error message, in bytes. */
const MAX_COMPLAINT = 1024;

/** A program that takes a migration on its standard input, or gives one on its standard output (`exec:COMMAND`). */
export class ExecChannel implements Channel {
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
    );
    this.#exited = once(child, 'exit');
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

  write(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#streams.write(chunks);
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    return this.#streams.readExactly(into);
  }

  /** Resolves when the program has taken everything and ended with status 0. */
  async finish(): Promise<void> {
    await this.#streams.finish();
    await this.#exited;
    const { exitCode, signalCode } = this.#child;
    if (exitCode === 0) return;
    const how = signalCode === null ? `with status ${exitCode}` : `by ${signalCode}`;
    const complaint = this.#complaint.trim().slice(0, MAX_COMPLAINT);
    throw new MigrationError(`'${this.#name}' ended ${how}${complaint === '' ? '' : `: ${complaint}`}`);
  }

  close(): void {
    this.#streams.close();
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill();
  }
}
