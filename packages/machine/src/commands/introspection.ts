import { QapiError } from '@godwit/qapi/runtime';
import { type CommandLineOptionInfo, protocol, type SchemaInfo } from '../generated/index.js';
import { OPTION_GROUPS } from '../options/groups.js';
import type { OptionGroup } from '../options/option-group.js';
import type { CommandHandlers } from './command-call.js';

export const introspectionCommands = {
  'query-commands': () => Object.keys(protocol.commands).map((name) => ({ name })),

  // Of no use to most clients, and as large as the rest of the program: read when it is asked for.
  'query-qmp-schema': async () =>
    [...(await import('../generated/introspection.js')).introspection] as SchemaInfo[],

  'query-command-line-options': ({ option }) => {
    const groups: readonly OptionGroup[] = Object.values(OPTION_GROUPS);
    const chosen = option === undefined ? groups : groups.filter(({ name }) => name === option);
    if (chosen.length === 0) throw new QapiError('GenericError', `invalid option name: ${option}`);
    return chosen.map(optionInfo);
  },
} satisfies Partial<CommandHandlers>;

function optionInfo({ name, parameters }: OptionGroup): CommandLineOptionInfo {
  return {
    option: name,
    // The last comes first, as in QEMU.
    parameters: [...parameters].reverse().map((parameter) => ({
      name: parameter.name,
      type: parameter.type,
      ...(parameter.help === undefined ? {} : { help: parameter.help }),
      ...(parameter.default === undefined ? {} : { default: parameter.default }),
    })),
  };
}
