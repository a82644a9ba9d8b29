import { QapiError } from '@godwit/qapi/runtime';
import type { Machine } from '../machine.js';
import type { VncServer } from '../vnc/index.js';
import type { CommandHandlers } from './command-call.js';

export const vncCommands = {
  'query-vnc': (_, { machine }) => {
    const server = machine.vnc?.find();
    if (server?.address === undefined) return { enabled: false };
    const { host, service, family } = server.address;
    return { enabled: true, host, service, family, auth: server.security, clients: [...server.clients] };
  },

  'query-vnc-servers': (_, { machine }) =>
    // The one that was made last comes first, as in QEMU.
    [...(machine.vnc?.list() ?? [])].reverse().map((server) => ({
      id: server.id,
      server: server.address === undefined ? [] : [{ ...server.address, auth: server.security }],
      clients: [...server.clients],
      auth: server.security,
    })),

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

function setPassword(machine: Machine, password: string, display?: string): void {
  const server: VncServer | undefined = machine.vnc?.find(display);
  if (server?.setPassword(password) !== true) throw new QapiError('GenericError', 'Could not set password');
}

/** Seconds since 1970. A text that is no number is 0, as in QEMU: such a password is good no more. */
function expiry(time: string, now: number): number {
  if (time === 'never') return Number.POSITIVE_INFINITY;
  const seconds = Number(/^\s*\+?(-?\d+)/.exec(time)?.[1] ?? 0);
  return time.startsWith('+') ? Math.floor(now) + seconds : seconds;
}
