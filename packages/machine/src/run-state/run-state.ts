import type { RunState } from '../generated/index.js';

/**
 * Where each run state may lead. A transition that is not in the table is an error of the program, never of a client:
 * what a client asks for is checked before.
 */
const TRANSITIONS: Readonly<Record<RunState, readonly RunState[]>> = {
  debug: ['running', 'finish-migrate', 'prelaunch', 'suspended'],
  inmigrate: [
    'internal-error',
    'io-error',
    'paused',
    'running',
    'shutdown',
    'suspended',
    'watchdog',
    'guest-panicked',
    'finish-migrate',
    'prelaunch',
    'postmigrate',
    'colo',
  ],
  'internal-error': ['paused', 'finish-migrate', 'prelaunch'],
  'io-error': ['running', 'finish-migrate', 'prelaunch'],
  paused: ['running', 'finish-migrate', 'postmigrate', 'prelaunch', 'colo', 'suspended'],
  postmigrate: ['running', 'finish-migrate', 'prelaunch'],
  prelaunch: ['running', 'finish-migrate', 'inmigrate', 'suspended'],
  'finish-migrate': [
    'running',
    'paused',
    'postmigrate',
    'prelaunch',
    'colo',
    'internal-error',
    'io-error',
    'shutdown',
    'suspended',
    'watchdog',
    'guest-panicked',
  ],
  'restore-vm': ['running', 'prelaunch', 'suspended'],
  running: [
    'debug',
    'internal-error',
    'io-error',
    'paused',
    'finish-migrate',
    'restore-vm',
    'save-vm',
    'shutdown',
    'watchdog',
    'guest-panicked',
    'colo',
    'suspended',
  ],
  'save-vm': ['running', 'suspended'],
  shutdown: ['paused', 'finish-migrate', 'prelaunch', 'colo', 'running'],
  suspended: [
    'running',
    'finish-migrate',
    'prelaunch',
    'colo',
    'paused',
    'save-vm',
    'restore-vm',
    'shutdown',
  ],
  watchdog: ['running', 'finish-migrate', 'prelaunch', 'colo'],
  'guest-panicked': ['running', 'finish-migrate', 'prelaunch'],
  colo: ['running', 'prelaunch', 'shutdown'],
};

/** The run state of a machine. */
export class RunStateMachine {
  #state: RunState;

  constructor(initial: RunState) {
    this.#state = initial;
  }

  get state(): RunState {
    return this.#state;
  }

  /** No change for the state that it is in. @throws Error for a transition that the table does not have */
  enter(next: RunState): void {
    if (next === this.#state) return;
    if (!TRANSITIONS[this.#state].includes(next)) {
      throw new Error(`invalid runstate transition: '${this.#state}' -> '${next}'`);
    }
    this.#state = next;
  }

  /** A guest in one of these states must be reset before it can run. */
  get needsReset(): boolean {
    return this.#state === 'internal-error' || this.#state === 'shutdown';
  }
}

export function isRunState(name: string): name is RunState {
  return Object.hasOwn(TRANSITIONS, name);
}
