import { GuestConsole } from '../console/index.js';
import type { Machine } from '../machine.js';
import { consoleStatus } from './console-status.js';

/** The guest's console of a machine, to be looked at; whoever opens it closes it. */
export function openConsole(machine: Machine): GuestConsole {
  return new GuestConsole({
    clock: machine.environment.clock,
    terminal: machine.hardware.terminal,
    status: () => consoleStatus(machine),
  });
}
