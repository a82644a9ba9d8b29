import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** QEMU could not be started, or has ended; says why. */
export class NoQemu extends Error {
  override readonly name = 'NoQemu';
}

/** A message of the server, as JSON.parse reads it. */
export interface Reply {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly id?: number;
}

const startAttempts = 100;
const startIntervalMs = 50;

/** A QEMU without a machine in a folder of its own, and one monitor. */
export class LiveQemu {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: Reply | undefined) => void>();
  #input = '';
  #nextId = 0;
  #stderr = '';

  private constructor(process: ChildProcess, folder: string, socket: Socket) {
    this.#process = process;
    this.#folder = folder;
    this.#socket = socket;
    process.stderr?.on('data', (chunk) => {
      this.#stderr = `${this.#stderr}${chunk}`.slice(-4096);
    });
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('data', (chunk: string) => this.#receive(chunk));
    socket.on('close', () => {
      for (const resolve of this.#waiting.values()) resolve(undefined);
      this.#waiting.clear();
    });
  }

  /** @throws NoQemu */
  static async start(binary: string): Promise<LiveQemu> {
    const folder = mkdtempSync(join(tmpdir(), 'godwit-qemu-'));
    const path = join(folder, 'qmp.sock');
    const monitor = `unix:${path},server=on,wait=off`;
    const options = ['-machine', 'none', '-nodefaults', '-display', 'none', '-qmp', monitor];
    const child = spawn(binary, options, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
    let failure: Error | undefined;
    child.on('error', (error) => {
      failure = error;
    });
    for (let attempt = 0; attempt < startAttempts; attempt += 1) {
      if (failure !== undefined || child.exitCode !== null) break;
      const socket = await tryConnect(path);
      if (socket !== undefined) {
        const qemu = new LiveQemu(child, folder, socket);
        await qemu.execute('{"execute": "qmp_capabilities"');
        return qemu;
      }
      await delay(startIntervalMs);
    }
    child.kill();
    rmSync(folder, { recursive: true, force: true });
    throw new NoQemu(`${binary} did not start: ${failure?.message ?? `exit code ${child.exitCode}`}`);
  }

  /**
   * Sends a request, given as the text of its object without the closing brace, and waits for the reply.
   * @throws NoQemu when QEMU ends instead
   */
  async execute(request: string): Promise<Reply> {
    const id = this.#nextId++;
    const reply = new Promise<Reply | undefined>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.write(`${request}, "id": ${id}}\n`);
    const answer = await reply;
    if (answer === undefined) throw new NoQemu(`QEMU ended at ${request}}\n${this.#stderr}`);
    return answer;
  }

  stop(): void {
    this.#socket.destroy();
    this.#process.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #receive(chunk: string): void {
    const lines = (this.#input + chunk).split('\n');
    this.#input = lines.pop() ?? '';
    for (const line of lines) {
      const reply = JSON.parse(line) as Reply;
      if (reply.id === undefined) continue;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    }
  }
}

function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}
