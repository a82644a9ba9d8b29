import { QapiError } from '@godwit/qapi/runtime';
import type { MachineCommands } from './command-call.js';

/** Commands that the schema declares and the machine cannot carry out yet. */
const NOT_IMPLEMENTED = ['add_client'] as const satisfies readonly (keyof MachineCommands)[];

export const notImplementedCommands = Object.fromEntries(
  NOT_IMPLEMENTED.map((name) => [
    name,
    (): never => {
      throw new QapiError('GenericError', `The command ${name} is not implemented yet`);
    },
  ]),
) as Record<(typeof NOT_IMPLEMENTED)[number], () => never>;
