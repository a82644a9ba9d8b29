import { closeSync, fstatSync } from 'node:fs';
import { QapiError } from '@godwit/qapi/runtime';
import type { NamedDescriptors } from '@godwit/qmp';
import type { ChardevBackend, ChardevSocket, SocketAddressLegacy } from '../generated/index.js';
import {
  type ChardevConfiguration,
  consoleSize,
  ringSize,
  type SocketChardev,
  socketChardev,
  unixEndpoint,
} from './configuration.js';
import { type InetEndpoint, inetEndpoint } from './inet-endpoint.js';

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
  const { logfile, logappend = false } = backend.data;
  const log = logfile === undefined ? {} : { log: { path: logfile, append: logappend } };
  return { ...plainFromBackend(id, backend, descriptors), ...log };
}

function plainFromBackend(
  id: string,
  backend: ChardevBackend,
  descriptors: NamedDescriptors,
): ChardevConfiguration {
  switch (backend.type) {
    case 'socket':
      return socketFromBackend(id, backend.data, descriptors);
    case 'file': {
      const { in: input, out, append = false } = backend.data;
      return { id, kind: 'file', path: out, append, ...(input === undefined ? {} : { input }) };
    }
    case 'pipe':
    case 'serial':
    case 'parallel':
      return { id, kind: backend.type, path: backend.data.device };
    case 'udp': {
      const { remote, local } = backend.data;
      return {
        id,
        kind: 'udp',
        remote: datagramEnd(remote),
        ...(local === undefined ? {} : { local: datagramEnd(local) }),
      };
    }
    case 'ringbuf':
    case 'memory': {
      const { size } = backend.data;
      return { id, kind: backend.type, size: ringSize(size === undefined ? undefined : Number(size)) };
    }
    case 'mux':
      return { id, kind: 'mux', base: backend.data.chardev };
    case 'stdio':
      return { id, kind: 'stdio', signal: backend.data.signal ?? true };
    case 'vc': {
      const { width, height, cols, rows } = backend.data;
      return { id, kind: 'vc', ...consoleSize({ width, height, cols, rows }) };
    }
    case 'null':
    case 'pty':
    case 'testdev':
      return { id, kind: backend.type };
  }
}

function socketFromBackend(id: string, socket: ChardevSocket, descriptors: NamedDescriptors): SocketChardev {
  const {
    server = true,
    wait,
    telnet = false,
    tn3270 = false,
    websocket = false,
    reconnect,
    'reconnect-ms': reconnectMs,
  } = socket;
  if (reconnect !== undefined && reconnectMs !== undefined) {
    throw new QapiError('GenericError', "'reconnect' and 'reconnect-ms' are mutually exclusive");
  }
  const milliseconds = reconnectMs ?? (reconnect === undefined ? undefined : reconnect * 1000n);
  return socketChardev({
    id,
    addressType: socket.addr.type,
    endpoint: () => endpointOf(socket.addr, descriptors),
    server,
    ...(wait === undefined ? {} : { wait }),
    telnet,
    tn3270,
    websocket,
    tlsCredentials: socket['tls-creds'],
    tlsAuthorization: socket['tls-authz'],
    reconnectMs: milliseconds === undefined ? undefined : Number(milliseconds),
  });
}

function datagramEnd(address: SocketAddressLegacy): InetEndpoint {
  if (address.type === 'inet' && address.data.port === '') {
    throw new QapiError('GenericError', 'remote port not specified');
  }
  if (address.type === 'inet') return inetEndpoint(address.data.host, address.data.port, address.data);
  throw new QapiError('GenericError', 'socket type unsupported for datagram');
}

function endpointOf(address: SocketAddressLegacy, descriptors: NamedDescriptors): SocketChardev['endpoint'] {
  switch (address.type) {
    case 'unix':
      return unixEndpoint(address.data);
    case 'inet':
      return inetEndpoint(address.data.host, address.data.port, address.data);
    case 'fd':
      return { type: 'fd', name: String(takeSocket(address.data.str, descriptors)) };
    case 'vsock':
      throw new QapiError('GenericError', "chardev: socket: 'vsock' is not supported");
  }
}

/** @throws QapiError when there is no such descriptor, or it is no socket; it is closed then */
function takeSocket(name: string, descriptors: NamedDescriptors): number {
  const fd = descriptors.take(name);
  if (fstatSync(fd).isSocket()) return fd;
  closeSync(fd);
  throw new QapiError('GenericError', `File descriptor '${name}' is not a socket`);
}
