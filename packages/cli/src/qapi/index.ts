import { type CommandTable, runOneOf } from '../command.js';
import type { Io } from '../io.js';

const COMMANDS: CommandTable = {
  check: { summary: 'find the errors of a schema', load: () => import('./check.js') },
  gen: {
    summary: 'generate TypeScript from a schema, or from what a running server says of its own',
    load: () => import('./gen.js'),
  },
  introspect: {
    summary: 'print what query-qmp-schema replies with such a schema',
    load: () => import('./introspect.js'),
  },
  dump: { summary: "print a schema as the tests in QEMU's source do", load: () => import('./dump.js') },
};

/** `godwit qapi COMMAND …` */
export function run(args: readonly string[], io: Io): Promise<number> {
  return runOneOf('godwit qapi', COMMANDS, args, io);
}
