import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const QEMU = 'qemu-system-x86_64';
const GIB = 2 ** 30;

interface Monitor {
  execute(command: string, args?: object): Promise<Record<string, unknown>>;
  close(): void;
}

/** QEMU with random RAM, ready to be moved again and again. */
export class QemuPeer {
  readonly #folder: string;
  readonly #image: string;
  readonly #ramBytes: number;

  /** Undefined without QEMU. */
  static prepare(ramBytes: number): QemuPeer | undefined {
    return spawnSync(QEMU, ['--version']).status === 0 ? new QemuPeer(ramBytes) : undefined;
  }

  private constructor(ramBytes: number) {
    this.#ramBytes = ramBytes;
    // Memory of a file system in memory, as the memfd of our own machine is.
    this.#folder = mkdtempSync('/dev/shm/godwit-bench-');
    this.#image = join(this.#folder, 'ram');
    fillImage(this.#image, ramBytes);
  }

  /** The rate in GiB/s at which it moves over a unix socket while it is stopped. */
  measure(multifd: boolean): Promise<number> {
    return migrate(this.#folder, this.#image, this.#ramBytes, multifd);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function fillImage(path: string, bytes: number): void {
  const block = randomFillSync(Buffer.allocUnsafe(16 << 20));
  const fd = openSync(path, 'w');
  for (let offset = 0; offset < bytes; offset += block.length) {
    block.writeDoubleLE(offset, 0);
    writeSync(fd, block);
  }
  closeSync(fd);
}

async function migrate(folder: string, image: string, bytes: number, multifd: boolean): Promise<number> {
  const path = join(folder, 'migrate.sock');
  const children: ChildProcess[] = [];
  const monitors: Monitor[] = [];
  const start = async (name: string, memory: string, extra: readonly string[]): Promise<Monitor> => {
    const qmp = join(folder, `${name}.qmp`);
    const child = spawn(
      QEMU,
      // biome-ignore format: one option a line
      [
        '-S', '-display', 'none', '-nodefaults', '-machine', 'pc,memory-backend=ram', '-m', `${bytes >> 20}`,
        '-object', `memory-backend-file,id=ram,size=${bytes},mem-path=${memory},share=on,prealloc=on`,
        '-qmp', `unix:${qmp},server=on,wait=off`, ...extra,
      ],
      { stdio: 'ignore' },
    );
    children.push(child);
    const monitor = await connectMonitor(qmp);
    monitors.push(monitor);
    return monitor;
  };
  try {
    const destination = await start('destination', join(folder, 'other'), ['-incoming', 'defer']);
    const source = await start('source', image, []);
    if (multifd) {
      for (const monitor of [source, destination]) {
        await monitor.execute('migrate-set-capabilities', {
          capabilities: [{ capability: 'multifd', state: true }],
        });
      }
    }
    await source.execute('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 });
    await destination.execute('migrate-incoming', { uri: `unix:${path}` });
    await source.execute('migrate', { uri: `unix:${path}` });
    for (;;) {
      const info = await source.execute('query-migrate');
      if (info.status === 'completed') return bytes / GIB / (Number(info['total-time']) / 1000);
      if (info.status === 'failed') throw new Error(`QEMU did not migrate: ${String(info['error-desc'])}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  } finally {
    for (const monitor of monitors) monitor.close();
    for (const child of children) {
      if (child.exitCode !== null) continue;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(join(folder, 'other'), { force: true });
    rmSync(path, { force: true });
  }
}

/** Just enough QMP for this: one command at a time. The monitor's socket appears some time after the process. */
async function connectMonitor(path: string): Promise<Monitor> {
  const socket = await connectWithin(path, 10_000);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  const execute: Monitor['execute'] = async (command, args = {}) => {
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`QEMU's monitor ended during '${command}'`);
      const message = JSON.parse(value) as Record<string, unknown>;
      if (message.error !== undefined) throw new Error(`QEMU: ${JSON.stringify(message.error)}`);
      if (message.return !== undefined) return message.return as Record<string, unknown>;
    }
  };
  await execute('qmp_capabilities');
  return { execute, close: () => socket.destroy() };
}

async function connectWithin(path: string, limitMs: number): Promise<net.Socket> {
  const end = Date.now() + limitMs;
  for (;;) {
    const socket = net.connect(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
