import { QapiError } from '@godwit/qapi/runtime';
import type { CharacterDevice } from '../chardev/character-device.js';
import type { YankInstance } from '../generated/index.js';
import type { Machine } from '../machine.js';
import type { CommandHandlers } from './command-call.js';

export const yankCommands = {
  yank: ({ instances }, { machine }) => {
    // All are looked up before the first is broken.
    for (const breakConnections of instances.map((instance) => breakerOf(machine, instance)))
      breakConnections();
  },

  'query-yank': (_, { machine }) => [
    ...socketDevices(machine).map(({ id }): YankInstance => ({ type: 'chardev', id })),
    ...(machine.migrations.active ? [{ type: 'migration' } as const] : []),
  ],
} satisfies Partial<CommandHandlers>;

/** @throws QapiError DeviceNotFound */
function breakerOf(machine: Machine, instance: YankInstance): () => void {
  if (instance.type === 'migration' && machine.migrations.active) return () => machine.migrations.yank();
  if (instance.type === 'chardev') {
    const device = socketDevices(machine).find(({ id }) => id === instance.id);
    if (device !== undefined) return () => device.disconnect();
  }
  throw new QapiError('DeviceNotFound', 'Instance not found');
}

function socketDevices(machine: Machine): readonly CharacterDevice[] {
  return machine.chardevs.made.filter(({ configuration }) => configuration.kind === 'socket');
}
