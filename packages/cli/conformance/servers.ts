import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Server } from './checks/stage.js';

/** A program that serves monitors, and how it is called. */
export interface Program {
  readonly name: string;
  readonly isQemu: boolean;
  /** It is not installed, but runs from where it was unpacked. */
  readonly unpacked: boolean;
  readonly command: readonly string[];
}

/** For a host that is busy with other things too. */
const START_LIMIT_MS = 60_000;

const MACHINE = ['-name', 'typed', '-nodefaults', '-display', 'none', '-m', '16'];
const QEMU = ['-machine', 'pc', '-accel', 'tcg', '-device', 'qemu-xhci,id=usb'];

export const machine: Program = {
  name: 'godwit machine',
  isQemu: false,
  unpacked: false,
  command: [process.execPath, fileURLToPath(new URL('../../bin/godwit.js', import.meta.url)), 'machine'],
};

/** A QEMU by its command, named by its version; undefined where it cannot be run. */
export function qemuProgram(command: readonly string[], unpacked = false): Program | undefined {
  const [program, ...args] = command;
  const { stdout, status } = spawnSync(program!, [...args, '--version'], { encoding: 'utf8' });
  const version = /version ([0-9.]+)/.exec(stdout ?? '')?.[1];
  if (status !== 0 || version === undefined) return undefined;
  return { name: `QEMU ${version}`, isQemu: true, unpacked, command };
}

/** Starts servers in folders of their own below one, and ends those that are left. */
export class Servers {
  readonly #program: Program;
  readonly #folder: string;
  readonly #running = new Set<Server>();

  constructor(program: Program, folder: string) {
    this.#program = program;
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** @throws Error with what it printed when it does not start */
  async start(extra: readonly string[], at?: Server): Promise<Server> {
    const own = at === undefined ? mkdtempSync(join(this.#folder, 's')) : undefined;
    const monitors = at?.monitors ?? ([join(own!, 'mon0'), join(own!, 'mon1')] as const);
    for (const path of monitors) rmSync(path, { force: true });
    const [program, ...args] = this.#program.command;
    const child = spawn(
      program!,
      [
        ...args,
        ...(this.#program.isQemu ? QEMU : []),
        ...MACHINE,
        ...monitors.flatMap((path, index) => [
          ...['-chardev', `socket,id=mon${index},path=${path},server=on,wait=off`],
          ...['-mon', `chardev=mon${index},mode=control`],
        ]),
        ...extra,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const process = new ServerProcess(child, monitors);
    try {
      await process.listening();
    } catch (error) {
      throw new Error(`${this.#program.name} did not start: ${(error as Error).message}`);
    }
    this.#running.add(process);
    void process.exited.then(() => this.#running.delete(process));
    return process;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((server) => server.kill()));
  }
}

class ServerProcess implements Server {
  readonly monitors: readonly [string, string];
  readonly exited: Promise<void>;
  readonly #child: ChildProcess;
  #failure: Error | undefined;
  #output = '';

  constructor(child: ChildProcess, monitors: readonly [string, string]) {
    this.#child = child;
    this.monitors = monitors;
    this.exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        this.#failure = error;
        resolve();
      });
    });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (chunk) => {
        this.#output = `${this.#output}${chunk}`.slice(-4096);
      });
    }
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get ended(): boolean {
    return this.#failure !== undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get output(): string {
    return this.#output;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.exited;
  }

  /** Waits until its monitors listen. @throws Error with what it printed when it ends instead */
  async listening(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS;
    for (const path of this.monitors) {
      while (!(await accepts(path))) {
        if (this.ended || performance.now() > deadline) {
          this.#child.kill('SIGKILL');
          throw this.#failure ?? new Error(this.#output.trim());
        }
        await sleep(20);
      }
    }
  }
}

/** Whether somebody listens there. */
function accepts(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
