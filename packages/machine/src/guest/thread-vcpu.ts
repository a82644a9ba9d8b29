import { MessageChannel, type MessagePort, SHARE_ENV, Worker } from 'node:worker_threads';
import type { Clock } from '@godwit/clock';
import type { Bus } from '../memory/bus.js';
import type { Audit, GuestDevice } from './accelerator.js';
import { slice } from './layout.js';
import { Registers } from './registers.js';
import { Control, type FromThread, type ThreadData, type ToThread } from './thread-protocol.js';
import type { VcpuRunner } from './vcpu-runner.js';

/** A vCPU thread computes over RAM that is not in its heap; these keep what it reserves small. */
const RESOURCE_LIMITS = {
  maxOldGenerationSizeMb: 16,
  maxYoungGenerationSizeMb: 2,
  codeRangeSizeMb: 8,
  stackSizeMb: 1,
};

export interface ThreadVcpuOptions {
  readonly data: Omit<ThreadData, 'control' | 'registers'>;
  readonly bus: Bus;
  readonly clock: Clock;
  /** How long a vCPU may take to stop, in milliseconds. */
  readonly pauseTimeoutMs: number;
  /** The thread failed after it was up; the vCPU stands where its registers say and runs no more. */
  readonly onFailure: (error: Error) => void;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** A vCPU on a worker thread. Ports and devices are on the machine's thread, which answers its accesses. */
export class ThreadVcpu implements VcpuRunner {
  readonly index: number;
  readonly registers = new Registers();
  threadId = 0;
  readonly up: Promise<void>;
  readonly #options: ThreadVcpuOptions;
  readonly #control = new Control();
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #staticPages: number;
  readonly #exited: Promise<void>;
  #pausing: (Waiting<void> & { readonly epoch: number }) | undefined;
  /** Jobs that the thread answers one after the other. */
  readonly #jobs: Waiting<Audit | undefined>[] = [];
  /** Settles {@link ThreadVcpu.up}. */
  #coming!: Waiting<void>;
  #failure: Error | undefined;
  #closing = false;

  constructor(options: ThreadVcpuOptions) {
    const { data } = options;
    this.index = data.index;
    this.#options = options;
    this.up = new Promise((resolve, reject) => {
      this.#coming = { resolve, reject };
    });
    // Whoever waits is told; nobody has to wait.
    this.up.catch(() => {});
    this.#staticPages = data.fill ? slice(data.layout.staticPages, data.index, data.vcpus).count : 0;
    const { port1, port2 } = new MessageChannel();
    const threadData: ThreadData = {
      ...data,
      control: this.#control.buffer,
      registers: this.registers.buffer,
    };
    this.#worker = new Worker(new URL('./sim-thread.js', import.meta.url), {
      name: `vcpu ${data.index}`,
      workerData: { data: threadData, port: port2 },
      transferList: [port2],
      env: SHARE_ENV,
      execArgv: [],
      resourceLimits: RESOURCE_LIMITS,
    });
    this.#port = port1;
    port1.on('message', (message: FromThread) => this.#handle(message));
    this.#worker.on('error', (error) =>
      this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
    this.#exited = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        if (!this.#closing) this.#fail(new Error('the thread ended'));
        resolve();
      });
    });
  }

  get ready(): boolean {
    return this.registers.get('filled') >= this.#staticPages;
  }

  setRate(pagesPerSecond: number): void {
    this.#control.rate = pagesPerSecond;
  }

  setDevices(devices: readonly GuestDevice[]): void {
    this.#post({ kind: 'devices', devices });
  }

  start(): void {
    if (this.#control.epoch % 2 === 0) this.#control.epoch++;
  }

  async pause(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const epoch = this.#control.epoch + 1;
    const { clock, pauseTimeoutMs } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const timer = clock.setTimer(
        () => settle(() => reject(new Error(`vCPU ${this.index} did not stop within ${pauseTimeoutMs} ms`))),
        pauseTimeoutMs,
      );
      const settle = (outcome: () => void): void => {
        timer.cancel();
        this.#pausing = undefined;
        outcome();
      };
      this.#pausing = {
        epoch,
        resolve: () => settle(resolve),
        reject: (error) => settle(() => reject(error)),
      };
      this.#control.epoch = epoch;
    });
  }

  async audit(): Promise<Audit> {
    const audit = await this.#job({ kind: 'audit' });
    if (audit === undefined) throw new Error(`vCPU ${this.index} gave no result`);
    return audit;
  }

  async setClock(date: Date): Promise<void> {
    await this.#job({ kind: 'set-clock', timeMs: date.getTime() });
  }

  attendSerial(): void {
    this.#post({ kind: 'attend-serial' });
  }

  attendPower(): void {
    this.#post({ kind: 'attend-power' });
  }

  interrupt(address: number): void {
    this.#post({ kind: 'interrupt', address });
  }

  async close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#reject(new Error(`vCPU ${this.index} is closed`));
      this.#control.epoch = Control.EXIT;
    }
    await this.#exited;
    this.#port.close();
  }

  #job(message: ToThread): Promise<Audit | undefined> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#jobs.push({ resolve, reject });
      this.#post(message);
    });
  }

  #post(message: ToThread): void {
    this.#port.postMessage(message);
    this.#control.wake();
  }

  #handle(message: FromThread): void {
    switch (message.kind) {
      case 'up':
        this.threadId = message.threadId;
        this.#coming.resolve();
        break;
      case 'paused':
        if (this.#pausing?.epoch === message.epoch) this.#pausing.resolve();
        break;
      case 'done':
        this.#jobs.shift()?.resolve(message.audit);
        break;
      case 'access':
        this.#access(message);
        break;
    }
  }

  #access({ access, space, address, data }: Extract<FromThread, { kind: 'access' }>): void {
    const done = () => this.#post({ kind: 'accessed', data });
    const accessed = this.#options.bus.access(access, space, address, data);
    if (accessed === undefined) done();
    else void accessed.then(done);
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined || this.#closing) return;
    this.#failure = new Error(`vCPU ${this.index} failed: ${error.message}`, { cause: error });
    this.#reject(this.#failure);
    if (this.threadId !== 0) this.#options.onFailure(this.#failure);
  }

  #reject(error: Error): void {
    this.#coming.reject(error);
    this.#pausing?.reject(error);
    for (const job of this.#jobs.splice(0)) job.reject(error);
  }
}
