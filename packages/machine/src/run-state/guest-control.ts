import { type DeviceEntry, type MachineControl, startDevices, stopDevices } from '@godwit/migration/devices';
import type { Emit } from '../events.js';
import type { RunState } from '../generated/index.js';
import type { Accelerator } from '../guest/index.js';
import { isRunState, RunStateMachine } from './run-state.js';

/** The run state that a guest that is not started waits in. */
type Waiting = 'prelaunch' | 'inmigrate';

export interface GuestControlOptions {
  readonly emit: Emit;
  readonly initial: Waiting;
  /** Whether the guest runs as soon as it can: after an incoming migration, or when preconfig ends. */
  readonly autostart: boolean;
  /** The VFIO devices in the order of their registration. */
  readonly devices: () => readonly DeviceEntry[];
  /** A device that could not be started or stopped; it was reset. */
  readonly onDeviceFailure: (message: string) => void;
}

/**
 * Stops and starts the guest, for commands and for migrations: vCPUs, devices, run state and the events STOP and RESUME
 * in QEMU's order. Changes happen one after the other, however many are asked for at once.
 */
export class GuestControl implements MachineControl {
  readonly #options: GuestControlOptions;
  readonly #state: RunStateMachine;
  #accelerator: Accelerator | undefined;
  #autostart: boolean;
  /** The end of the change that is under way. */
  #last: Promise<unknown> = Promise.resolve();
  /** What the guest has is partly from somewhere else. */
  #spoiled = false;
  /** What `resumeAfterFailure` goes back to. */
  #beforeSwitchover: RunState | undefined;

  constructor(options: GuestControlOptions) {
    this.#options = options;
    this.#autostart = options.autostart;
    this.#state = new RunStateMachine(options.initial);
  }

  get runState(): RunState {
    return this.#state.state;
  }

  get running(): boolean {
    return this.#state.state === 'running';
  }

  get needsReset(): boolean {
    return this.#spoiled || this.#state.needsReset;
  }

  /** Something was loaded into the guest in part only: it runs no more before a reset. */
  spoil(): void {
    this.#spoiled = true;
  }

  get autostart(): boolean {
    return this.#autostart;
  }

  /** What a guest that waits for a migration does when it has arrived. */
  set autostart(autostart: boolean) {
    this.#autostart = autostart;
  }

  /** Before there are vCPUs (preconfig) nothing can run. */
  attach(accelerator: Accelerator): void {
    this.#accelerator = accelerator;
  }

  /** Stops the guest; one that is stopped keeps its run state. */
  stop(state: 'paused' | 'shutdown' | 'save-vm' | 'restore-vm' = 'paused'): Promise<void> {
    return this.#change(async () => {
      if (this.running) await this.#stopInto(state);
    });
  }

  start(): Promise<void> {
    return this.#change(() => this.#start());
  }

  /** Starts a guest by itself after power-on, from which its devices run. */
  powerOn(): Promise<void> {
    return this.#change(() => this.#start(true));
  }

  /** Runs `step` while the guest is neither stopped nor started; it is told whether the guest runs. */
  exclusively<T>(step: (running: boolean) => Promise<T>): Promise<T> {
    return this.#change(() => step(this.running));
  }

  /**
   * Runs `reset` while the vCPUs stand still; no events but its own. A guest that ran runs on; a stopped one leaves the
   * states that only a reset leaves.
   */
  reset(reset: () => Promise<void>): Promise<void> {
    return this.#change(async () => {
      await this.#accelerator?.pause();
      await reset();
      this.#spoiled = false;
      if (this.running) this.#accelerator?.start();
      else if (this.runState !== 'inmigrate' && this.runState !== 'finish-migrate')
        this.#state.enter('prelaunch');
    });
  }

  stopForSwitchover(): Promise<void> {
    return this.#change(async () => {
      this.#beforeSwitchover = this.runState;
      if (!this.running) {
        this.#state.enter('finish-migrate');
        return;
      }
      const failures = await this.#stopInto('finish-migrate');
      if (failures !== undefined) throw new Error(failures);
    });
  }

  resumeAfterFailure(): Promise<void> {
    return this.#change(async () => {
      const before = this.#beforeSwitchover;
      this.#beforeSwitchover = undefined;
      if (this.runState !== 'finish-migrate') return;
      if (before === 'running') return this.#start();
      this.#state.enter(before === undefined ? 'paused' : standing(before));
    });
  }

  handOver(): void {
    this.#beforeSwitchover = undefined;
    this.#state.enter('postmigrate');
  }

  takeOver(sourceRunState: string): Promise<void> {
    return this.#change(async () => {
      if (this.#autostart && sourceRunState === 'running') await this.#start();
      else this.#state.enter(this.#arrival(sourceRunState));
    });
  }

  loadedWithoutGo(sourceRunState: string): void {
    this.#state.enter(this.#arrival(sourceRunState));
  }

  /** Where a guest that does not start by itself is after a migration. */
  #arrival(sourceRunState: string): RunState {
    if (!this.#autostart) return 'paused';
    if (sourceRunState === 'running' || !isRunState(sourceRunState)) return 'paused';
    return standing(sourceRunState);
  }

  async #start(devicesRun = false): Promise<void> {
    if (this.running) return;
    if (this.#accelerator === undefined) throw new Error('the machine has no vCPUs yet');
    this.#options.emit('RESUME');
    this.#state.enter('running');
    const failures = devicesRun ? [] : await startDevices(this.#options.devices());
    if (failures.length > 0) this.#options.onDeviceFailure(describe(failures));
    // Their threads may still be starting; what is asked of the guest meanwhile waits its turn.
    await this.#accelerator.up;
    this.#accelerator.start();
  }

  /** vCPUs, then devices, then the run state and STOP. Returns what went wrong with devices. */
  async #stopInto(state: RunState): Promise<string | undefined> {
    await this.#accelerator?.pause();
    this.#state.enter(state);
    const failures = await stopDevices(this.#options.devices());
    this.#options.emit('STOP');
    if (failures.length === 0) return undefined;
    const message = describe(failures);
    this.#options.onDeviceFailure(message);
    return message;
  }

  #change<T>(step: () => Promise<T>): Promise<T> {
    const next = this.#last.then(step);
    this.#last = next.catch(() => {});
    return next;
  }
}

/** Run states that a stopped guest keeps when it moves, or when a migration fails. */
const STANDING: readonly RunState[] = [
  'paused',
  'postmigrate',
  'prelaunch',
  'shutdown',
  'suspended',
  'watchdog',
];

function standing(state: RunState): RunState {
  return STANDING.includes(state) ? state : 'paused';
}

function describe(failures: Awaited<ReturnType<typeof stopDevices>>): string {
  return failures.map(({ entry, error }) => `${entry.name}: ${error.message}`).join('; ');
}
