import { QapiError } from '@godwit/qapi/runtime';
import { checkSocketPath } from '../chardev/configuration.js';
import { parsePort } from '../chardev/inet-endpoint.js';
import type { SocketAddress } from '../generated/index.js';
import type { Machine } from '../machine.js';
import { authenticationInfo, authenticationText } from '../vnc/authentication.js';
import type { VncAddress, VncServer } from '../vnc/index.js';
import type { CommandHandlers } from './command-call.js';

/** What is said where there is no server that takes a password. */
export const NO_PASSWORD = 'Could not set password';

export const vncCommands = {
  'query-vnc': (_, { machine }) => {
    const server = machine.vnc?.find();
    const [address] = server?.addresses ?? [];
    if (server === undefined || address === undefined) return { enabled: false };
    const { host, service, family } = address;
    const auth = authenticationText(server.authentication);
    return { enabled: true, host, service, family, auth, clients: [...server.clients] };
  },

  'query-vnc-servers': (_, { machine }) =>
    // The one that was made last comes first, as in QEMU.
    [...(machine.vnc?.list() ?? [])].reverse().map((server) => {
      const asked = authenticationInfo(server.authentication);
      const sockets = server.addresses.map((address) => ({ ...address, ...asked }));
      const { webAddress } = server;
      const pages =
        webAddress === undefined ? [] : [{ ...webAddress, ...authenticationInfo(server.webAuthentication) }];
      return {
        id: server.id,
        // As do its sockets.
        server: [...sockets, ...pages].reverse(),
        clients: [...server.clients],
        ...asked,
      };
    }),

  'display-reload': async ({ 'tls-certs': certificates = false }, { machine }) => {
    if (certificates) await firstServer(machine).reloadCertificates();
  },

  'display-update': async ({ addresses }, { machine }) => {
    const server = firstServer(machine);
    if (addresses === undefined) return;
    const wanted = addresses.map(addressOf);
    try {
      await server.listen(wanted);
    } catch (error) {
      throw new QapiError('GenericError', (error as Error).message, { cause: error });
    }
  },

  set_password: (options, { machine }) => {
    if (options.protocol !== 'vnc') throw spiceNotInUse();
    const { password, connected = 'keep', display } = options;
    if (connected !== 'keep') throw new QapiError('GenericError', "Invalid parameter 'connected'");
    setPassword(machine, password, display);
  },

  expire_password: (options, { machine }) => {
    if (options.protocol !== 'vnc') throw spiceNotInUse();
    const server = machine.vnc?.find(options.display);
    if (server === undefined) throw new QapiError('GenericError', 'Could not set password expire time');
    server.expirePassword(expiry(options.time, machine.environment.clock.wallMicroseconds() / 1e6));
  },

  'change-vnc-password': ({ password }, { machine }) => setPassword(machine, password),
} satisfies Partial<CommandHandlers>;

export function spiceNotInUse(): QapiError {
  return new QapiError('DeviceNotActive', 'SPICE is not in use');
}

/** @throws QapiError when there is none */
function firstServer(machine: Machine): VncServer {
  const server = machine.vnc?.find();
  if (server === undefined) throw new QapiError('GenericError', 'Can not find vnc display');
  return server;
}

/** @throws QapiError for an address that viewers cannot come to */
function addressOf(address: SocketAddress): VncAddress {
  try {
    if (address.type === 'unix') {
      checkSocketPath(address.path);
      return { kind: 'unix', path: address.path };
    }
    if (address.type === 'inet') {
      const port = parsePort(address.port);
      const host = address.host === '' ? '0.0.0.0' : address.host;
      const family = address.ipv4 === false ? 6 : address.ipv6 === false ? 4 : undefined;
      return {
        kind: 'tcp',
        host,
        port,
        lastPort: Math.max(port, address.to ?? port),
        ...(family === undefined ? {} : { family }),
      };
    }
  } catch (error) {
    throw new QapiError('GenericError', (error as Error).message, { cause: error });
  }
  throw new QapiError('GenericError', `Unsupported socket address type ${address.type}`);
}

function setPassword(machine: Machine, password: string, display?: string): void {
  const server: VncServer | undefined = machine.vnc?.find(display);
  if (server?.setPassword(password) !== true) throw new QapiError('GenericError', NO_PASSWORD);
}

/** Seconds since 1970. A text that is no number is 0, as in QEMU: such a password is good no more. */
function expiry(time: string, now: number): number {
  if (time === 'never') return Number.POSITIVE_INFINITY;
  const seconds = Number(/^\s*\+?(-?\d+)/.exec(time)?.[1] ?? 0);
  return time.startsWith('+') ? Math.floor(now) + seconds : seconds;
}
