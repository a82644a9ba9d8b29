import { CHARDEV_KINDS } from '../chardev/configuration.js';
import type { CommandHandlers } from './command-call.js';

export const characterDeviceCommands = {
  'query-chardev': (_, { machine }) =>
    machine.chardevs.list().map((device) => ({
      label: device.id,
      filename: device.filename,
      'frontend-open': device.busy,
    })),

  'query-chardev-backends': () => CHARDEV_KINDS.map((name) => ({ name })),
} satisfies Partial<CommandHandlers>;
