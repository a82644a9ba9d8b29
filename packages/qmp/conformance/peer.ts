import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** A program that serves monitors, and how it is started. */
export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const godwit = fileURLToPath(new URL('../../../cli/bin/godwit.js', import.meta.url));

const machineArguments = [
  ...['-nodefaults', '-display', 'none', '-m', '16'],
  // Viewers come by add_client alone, so that no socket's path differs from peer to peer.
  ...['-vnc', 'none,password=on', '-chardev', 'null,id=quiet'],
];

export const qemu: Program = {
  name: 'qemu',
  command: 'qemu-system-x86_64',
  args: ['-machine', 'pc', '-accel', 'tcg', ...machineArguments],
};

export const machine: Program = {
  name: 'godwit',
  command: process.execPath,
  args: [godwit, 'machine', ...machineArguments],
};

export const monitorCount = 3;
/** This monitor prints over several lines. */
export const prettyMonitor = 2;

const startLimitMs = 20_000;

/** A program that runs, with its monitors' sockets. */
export class Peer {
  readonly name: string;
  readonly program: Program;
  /** Where its sockets are. */
  readonly folder: string;
  readonly paths: readonly string[];
  readonly #process: ChildProcess;
  readonly #output: string[];

  private constructor(
    program: Program,
    folder: string,
    paths: readonly string[],
    process: ChildProcess,
    output: string[],
  ) {
    this.name = program.name;
    this.program = program;
    this.folder = folder;
    this.paths = paths;
    this.#process = process;
    this.#output = output;
  }

  /**
   * @param extra more arguments; `FOLDER` in them is the folder
   * @param descriptors what it inherits, from descriptor 3 on
   * @throws Error with the program's output when it does not start
   */
  static async start(
    program: Program,
    folder: string,
    extra: readonly string[] = ['-S'],
    descriptors: readonly number[] = [],
  ): Promise<Peer> {
    const paths = Array.from({ length: monitorCount }, (_, index) => join(folder, `mon${index}`));
    const monitors = paths.flatMap((path, index) => [
      '-chardev',
      `socket,id=mon${index},path=${path},server=on,wait=off`,
      '-mon',
      `chardev=mon${index},mode=control${index === prettyMonitor ? ',pretty=on' : ''}`,
    ]);
    const own = extra.map((text) => text.replaceAll('FOLDER', folder));
    const child = spawn(program.command, [...program.args, ...monitors, ...own], {
      stdio: ['ignore', 'pipe', 'pipe', ...descriptors],
    });
    const output: string[] = [];
    let failure: Error | undefined;
    child.on('error', (error) => {
      failure = error;
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data) => output.push(String(data)));
    const peer = new Peer(program, folder, paths, child, output);
    const deadline = Date.now() + startLimitMs;
    while (!paths.every(isListening)) {
      if (failure !== undefined || !peer.alive || Date.now() > deadline) {
        peer.stop();
        throw new Error(`${program.name} did not start: ${failure?.message ?? output.join('').trim()}`);
      }
      await sleep(20);
    }
    return peer;
  }

  get alive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** What it printed. */
  get output(): string {
    return this.#output.join('');
  }

  stop(): void {
    this.#process.kill('SIGKILL');
  }

  get exited(): Promise<void> {
    if (!this.alive) return Promise.resolve();
    return new Promise((resolve) => this.#process.once('exit', () => resolve()));
  }
}

/** The flag of a socket that listens (__SO_ACCEPTCON), as /proc/net/unix shows it. */
const LISTENING = '00010000';

/** A path is there before its socket listens, unless it was given to a socket that does. */
function isListening(path: string): boolean {
  if (!existsSync(path)) return false;
  const sockets = readFileSync('/proc/net/unix', 'latin1').split('\n');
  const socket = sockets.find((line) => line.endsWith(` ${path}`));
  return socket === undefined || socket.split(' ')[3] === LISTENING;
}
