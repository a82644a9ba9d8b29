import { QapiError } from '@godwit/qapi/runtime';
import type { NamedDescriptors } from '@godwit/qmp';
import type { ChardevBackend, ChardevSocket, SocketAddressLegacy } from '../generated/index.js';
import { type ChardevConfiguration, chardevFromOptions, type SocketChardev } from './configuration.js';

/**
 * What `chardev-add` and `chardev-change` ask for.
 * @param descriptors where a socket that was passed is found by its name
 * @throws QapiError or OptionError
 */
export function chardevFromBackend(
  id: string,
  backend: ChardevBackend,
  descriptors: NamedDescriptors,
): ChardevConfiguration {
  switch (backend.type) {
    case 'socket':
      return socketFromBackend(id, backend.data, descriptors);
    case 'file': {
      const { in: input, out, append = false } = backend.data;
      if (input !== undefined) throw new QapiError('GenericError', 'chardev: file: input is not supported');
      return { id, kind: 'file', path: out, append };
    }
    case 'ringbuf': {
      const { size } = backend.data;
      return chardevFromOptions(id, { backend: 'ringbuf', ...(size === undefined ? {} : { size }) });
    }
    case 'null':
    case 'stdio':
      return { id, kind: backend.type };
  }
}

function socketFromBackend(id: string, socket: ChardevSocket, descriptors: NamedDescriptors): SocketChardev {
  const { server = true, wait = true } = socket;
  return { id, kind: 'socket', endpoint: endpointOf(socket.addr, descriptors), server, wait: server && wait };
}

function endpointOf(address: SocketAddressLegacy, descriptors: NamedDescriptors): SocketChardev['endpoint'] {
  switch (address.type) {
    case 'unix':
      return { type: 'unix', path: address.data.path, abstract: address.data.abstract === true };
    case 'inet':
      return { type: 'inet', host: address.data.host, port: Number(address.data.port) };
    case 'fd': {
      const { str } = address.data;
      // A number is a descriptor that the process was started with; a name is one that a client passed.
      return { type: 'fd', name: /^\d/.test(str) ? str : String(descriptors.take(str)) };
    }
    case 'vsock':
      throw new QapiError('GenericError', "chardev: socket: 'vsock' is not supported");
  }
}
