import { VERSION } from '../version.js';
import type { CommandHandlers } from './command-call.js';

const NIL_UUID = '00000000-0000-0000-0000-000000000000';

export const identityCommands = {
  'query-name': (_, { machine: { configuration } }) =>
    configuration.name === undefined ? {} : { name: configuration.name },

  'query-uuid': (_, { machine: { configuration } }) => ({ UUID: configuration.uuid ?? NIL_UUID }),

  'query-version': () => ({
    qemu: {
      major: BigInt(VERSION.qemu.major),
      minor: BigInt(VERSION.qemu.minor),
      micro: BigInt(VERSION.qemu.micro),
    },
    package: VERSION.package,
  }),

  'query-target': () => ({ arch: 'x86_64' }),
} satisfies Partial<CommandHandlers>;
