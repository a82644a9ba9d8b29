import { type CommandTable, runOneOf } from '../command.js';
import type { Io } from '../io.js';

const COMMANDS: CommandTable = {
  check: { summary: 'check devices by the rules of linux/vfio.h', load: () => import('./check.js') },
  serve: { summary: 'serve a device model over vfio-user', load: () => import('./serve.js') },
};

/** `godwit device COMMAND …` */
export function run(args: readonly string[], io: Io): Promise<number> {
  return runOneOf('godwit device', COMMANDS, args, io);
}
