import { closeSync, fstatSync } from 'node:fs';
import { QapiError } from '@godwit/qapi/runtime';
import type { Machine } from '../machine.js';
import type { CommandHandlers } from './command-call.js';
import { spiceNotInUse } from './vnc.js';

export const addClientCommands = {
  add_client: async ({ protocol, fdname, skipauth = false }, { machine, monitor }) => {
    const fd = monitor.descriptors.take(fdname);
    try {
      if (!fstatSync(fd).isSocket()) {
        throw new QapiError('GenericError', 'parameter @fdname must name a socket');
      }
      await addClient(machine, protocol, fd, skipauth);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  },
} satisfies Partial<CommandHandlers>;

/** Hands the descriptor over; whoever takes it owns it. @throws QapiError when nobody does */
async function addClient(machine: Machine, protocol: string, fd: number, skipauth: boolean): Promise<void> {
  switch (protocol) {
    case 'spice':
      throw spiceNotInUse();
    case '@dbus-display':
      throw new QapiError('DeviceNotActive', 'D-Bus display is not in use');
    case 'vnc': {
      const server = machine.vnc?.find();
      if (server === undefined) {
        // QEMU takes the client and never speaks to it; here it sees at once that nobody does.
        closeSync(fd);
        return;
      }
      const { addPassedClient } = await import('../vnc/index.js');
      addPassedClient(server, fd, skipauth);
      return;
    }
  }
  if (!machine.chardevs.has(protocol)) {
    throw new QapiError('GenericError', `protocol '${protocol}' is invalid`);
  }
  if (!machine.chardevs.require(protocol).addClient(fd)) {
    throw new QapiError('GenericError', 'failed to add client');
  }
}
