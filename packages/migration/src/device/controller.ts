import type { Clock } from '@godwit/clock';
import { DeviceState, type MigratableDevice } from '@godwit/vfio/contract';
import { Interruption } from '../interruption.js';

/** One change of state that a device went through. Times are milliseconds of the machine's clock. */
export interface Transition {
  readonly from: DeviceState;
  readonly to: DeviceState;
  readonly startedAt: number;
  readonly durationMs: number;
}

/** What a {@link DeviceController} tells the machine, which makes events of it. */
export interface DeviceObserver {
  /**
   * The device is about to be asked for `wanted`, or to be reset to it; that happens when this has settled. It may still
   * fail.
   */
  onPrepare?(wanted: DeviceState): Promise<void> | undefined;
  /** The device arrived in `state`. Never the same state twice in a row, never ERROR. */
  onState(state: DeviceState): void;
}

/** How many of the latest transitions a controller remembers. */
const REMEMBERED_TRANSITIONS = 64;

/**
 * Moves a device from state to state and reports each arrival, as QEMU does: an unchanged state is no transition and no
 * event; after a failed transition a recovery state is tried; when that fails too the device is reset, and RUNNING is
 * reported.
 */
export class DeviceController {
  readonly #device: MigratableDevice;
  readonly #clock: Clock;
  readonly #observer: DeviceObserver;
  readonly #transitions: Transition[] = [];
  #reported: DeviceState | undefined;
  /** The end of the transition that is under way. */
  #last: Promise<void> = Promise.resolve();
  /** Ends every wait for the device when it is given up. */
  #abandonment = new Interruption();
  /** Where a device that was given up belongs when it answers again. */
  #wanted: DeviceState = DeviceState.RUNNING;
  /** Transitions that are under way or wait for their turn. */
  #unfinished = 0;

  constructor(device: MigratableDevice, clock: Clock, observer: DeviceObserver) {
    this.#device = device;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** The latest transitions, oldest first. */
  get transitions(): readonly Transition[] {
    return this.#transitions;
  }

  /** The latest transitions that were begun at `time` or later, oldest first. */
  transitionsSince(time: number): readonly Transition[] {
    return this.#transitions.filter(({ startedAt }) => startedAt >= time);
  }

  /**
   * Moves the device to `wanted`. Rejects with the device's own error when that fails; the device is then in `recovery`,
   * or, where none is given or it fails too, reset to RUNNING.
   */
  setState(wanted: DeviceState, recovery?: DeviceState): Promise<void> {
    const runs = wanted === DeviceState.RUNNING || wanted === DeviceState.RUNNING_P2P;
    this.#wanted = runs ? DeviceState.RUNNING : DeviceState.STOP;
    return this.#inTurn(() => this.#setState(wanted, recovery));
  }

  /**
   * RESUMING to STOP, where the device checks what it was given; rejects with the device's error when it refuses. No
   * event: for a client a destination's device goes from resuming straight to running when the guest starts.
   */
  finishResuming(): Promise<void> {
    return this.#inTurn(() => this.#move(DeviceState.STOP, () => this.#device.setState(DeviceState.STOP)));
  }

  /** Throws away what was loaded: the device is reset and put into STOP. No event. */
  discardResuming(): Promise<void> {
    return this.#inTurn(() => this.#discard());
  }

  /**
   * The machine is reset, and the device with it, whatever it was doing; it runs again, or stands still where it did and
   * the guest does. Reported only where that changes its state.
   */
  reset(guestRuns: boolean): Promise<void> {
    return this.#inTurn(async () => {
      const { state } = this.#device;
      const stands = !guestRuns && state !== DeviceState.RUNNING;
      const wanted = stands ? DeviceState.STOP : DeviceState.RUNNING;
      if (state !== wanted) await this.#observer.onPrepare?.(wanted);
      await this.#move(DeviceState.RUNNING, () => this.#device.reset());
      if (stands) await this.#move(DeviceState.STOP, () => this.#device.setState(DeviceState.STOP));
      if (state !== wanted) this.#report(wanted);
    });
  }

  /** Resolves when no transition is under way. A command can stop the guest while a migration moves the device. */
  async settled(): Promise<void> {
    try {
      await this.#abandonment.wait(this.#last);
    } catch {
      // It was given up, and nobody waits for it any more.
    }
  }

  /**
   * Gives up a device that does not return from a call: the transition under way rejects, and all later ones do, until
   * it has answered after all. It is then taken to where the guest wants it by then. Without effect on an idle device.
   * @param call what else it does not return from
   */
  abandon(call?: Promise<unknown>): void {
    if (this.#abandonment.reason !== undefined || (call === undefined && this.#unfinished === 0)) return;
    this.#abandonment.interrupt(new Error('the device does not answer'));
    void Promise.allSettled([this.#last, call]).then(() => this.#takeBack());
  }

  #takeBack(): Promise<void> {
    this.#abandonment = new Interruption();
    const takeBack = () => {
      const useless = this.#device.state === DeviceState.RESUMING && this.#wanted === DeviceState.STOP;
      return useless ? this.#discard() : this.#setState(this.#wanted);
    };
    return this.#inTurn(takeBack).catch(() => {
      // It was reset, which its observer was told; there is nobody else.
    });
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const abandonment = this.#abandonment;
    this.#unfinished++;
    const next = this.#last.then(() => {
      abandonment.throwIfInterrupted();
      return change();
    });
    const finished = () => {
      this.#unfinished--;
    };
    this.#last = next.then(finished, finished);
    return abandonment.wait(next);
  }

  async #discard(): Promise<void> {
    await this.#move(DeviceState.RUNNING, () => this.#device.reset());
    await this.#move(DeviceState.STOP, () => this.#device.setState(DeviceState.STOP));
  }

  async #setState(wanted: DeviceState, recovery?: DeviceState): Promise<void> {
    if (this.#device.state === wanted) return;
    await this.#observer.onPrepare?.(wanted);
    try {
      await this.#move(wanted, () => this.#device.setState(wanted));
    } catch (error) {
      try {
        await this.#recover(recovery);
      } catch (cause) {
        throw new Error(`${messageOf(error)}; the device could not be reset: ${messageOf(cause)}`, { cause });
      }
      throw error;
    }
    this.#report(wanted);
  }

  async #recover(recovery: DeviceState | undefined): Promise<void> {
    if (recovery !== undefined) {
      try {
        if (this.#device.state !== recovery) {
          await this.#observer.onPrepare?.(recovery);
          await this.#move(recovery, () => this.#device.setState(recovery));
        }
        this.#report(recovery);
        return;
      } catch {
        // The error of the first transition is the one that explains; what is left to do is to reset.
      }
    }
    await this.#observer.onPrepare?.(DeviceState.RUNNING);
    await this.#move(DeviceState.RUNNING, () => this.#device.reset());
    this.#report(DeviceState.RUNNING);
  }

  async #move(to: DeviceState, change: () => Promise<void>): Promise<void> {
    const from = this.#device.state;
    const startedAt = this.#clock.now();
    await change();
    this.#transitions.push({ from, to, startedAt, durationMs: this.#clock.now() - startedAt });
    if (this.#transitions.length > REMEMBERED_TRANSITIONS) this.#transitions.shift();
  }

  #report(state: DeviceState): void {
    if (this.#reported === state) return;
    this.#reported = state;
    this.#observer.onState(state);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
