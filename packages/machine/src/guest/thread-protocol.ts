import type { Space } from '../memory/bus.js';
import type { RamHandle } from '../memory/guest-memory.js';
import type { Audit, GuestDevice } from './accelerator.js';
import type { GuestLayout } from './layout.js';

/**
 * What a vCPU thread and the machine share besides RAM, the dirty bitmap and the registers: one word that says whether to
 * run, one that wakes the thread, and the rate. A thread never waits in its event loop but on the wake word, so that it can
 * stop between any two instructions; messages are collected from the port by hand.
 */
export class Control {
  /** {@link Control.epoch} of a thread that must end. */
  static readonly EXIT = -1;
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #rate: Float64Array<SharedArrayBuffer>;

  constructor(buffer = new SharedArrayBuffer(16)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer, 0, 2);
    this.#rate = new Float64Array(buffer, 8, 1);
  }

  /** Odd while the vCPU is to run; goes up with every start and pause, so that no two of them are taken for one. */
  get epoch(): number {
    return Atomics.load(this.#words, 0);
  }

  set epoch(epoch: number) {
    Atomics.store(this.#words, 0, epoch);
    this.wake();
  }

  /** Pages per second; the thread looks at it between two slices of work. */
  get rate(): number {
    return this.#rate[0]!;
  }

  set rate(pagesPerSecond: number) {
    this.#rate[0] = pagesPerSecond;
    this.wake();
  }

  /** Goes up with everything that the thread should look at. */
  get wakes(): number {
    return Atomics.load(this.#words, 1);
  }

  wake(): void {
    Atomics.add(this.#words, 1, 1);
    Atomics.notify(this.#words, 1);
  }

  /** Sleeps until {@link wakes} differs from `seen`; only in a vCPU thread. */
  sleep(seen: number, timeoutMs?: number): void {
    Atomics.wait(this.#words, 1, seen, timeoutMs);
  }
}

export interface ThreadData {
  readonly index: number;
  readonly vcpus: number;
  readonly layout: GuestLayout;
  readonly fill: boolean;
  readonly ram: RamHandle;
  readonly dirty: SharedArrayBuffer;
  readonly registers: SharedArrayBuffer;
  readonly control: SharedArrayBuffer;
}

/** Sent with the one port that all messages go through. */
export type ToThread =
  | { readonly kind: 'devices'; readonly devices: readonly GuestDevice[] }
  /** The vCPU does the job between two instructions and answers `done`. */
  | { readonly kind: 'audit' }
  | { readonly kind: 'set-clock'; readonly timeMs: number }
  /** The vCPU reads the serial port as soon as it runs. */
  | { readonly kind: 'attend-serial' }
  /** The vCPU looks at the power button. */
  | { readonly kind: 'attend-power' }
  /** The vCPU serves the interrupt of the device at that address as soon as it runs. */
  | { readonly kind: 'interrupt'; readonly address: number }
  /** Ends the access that the vCPU waits for; it has at most one. */
  | { readonly kind: 'accessed'; readonly data: Uint8Array };

export type FromThread =
  | { readonly kind: 'up'; readonly threadId: number }
  | { readonly kind: 'paused'; readonly epoch: number }
  | { readonly kind: 'done'; readonly audit?: Audit }
  | {
      readonly kind: 'access';
      readonly access: 'read' | 'write';
      readonly space: Space;
      readonly address: number;
      readonly data: Uint8Array;
    };
