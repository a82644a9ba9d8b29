import type { Handlers } from '@godwit/qapi/runtime';
import type { MonitorIdentity } from '@godwit/qmp';
import type { Commands } from '../generated/index.js';
import type { Machine } from '../machine.js';

/** What a command acts on, and who sent it. */
export interface CommandCall {
  readonly machine: Machine;
  readonly monitor: MonitorIdentity;
  /** The first descriptor that came with the command; the caller owns it from here on. */
  takeDescriptor(): number | undefined;
}

/** `qmp_capabilities` is the session's own. */
export type MachineCommands = Omit<Commands, 'qmp_capabilities'>;

export type CommandHandlers = Handlers<MachineCommands, CommandCall>;
