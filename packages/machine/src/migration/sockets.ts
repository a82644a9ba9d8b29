import { isIPv6 } from 'node:net';
import {
  type Channel,
  type SocketAddress as ChannelAddress,
  connectSocketChannel,
  connectTlsChannel,
  MigrationError,
  SocketListener,
} from '@godwit/migration';
import { native, systemReason } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import type { MigrationAddress } from '../generated/index.js';
import type { Machine } from '../machine.js';
import type { IncomingChannel } from './channels.js';
import { clientTls, serverTls } from './tls.js';

type SocketMigrationAddress = Extract<MigrationAddress, { transport: 'socket' }>;

/** Connects to a destination that listens. Rejects in QEMU's words when it cannot. */
export async function connectTo(
  address: SocketMigrationAddress,
  machine: Machine,
  signal: AbortSignal,
): Promise<Channel> {
  const target = channelAddress(address);
  // Node would take this machine, as a destination does that listens.
  if (target.type === 'inet' && target.host === '') throw unresolved(target);
  const tls = clientTls(machine, target.type === 'inet' ? target.host : '');
  try {
    return await (tls === undefined
      ? connectSocketChannel(target, signal)
      : connectTlsChannel(target, tls, signal));
  } catch (cause) {
    if (cause instanceof MigrationError) throw cause;
    throw unreachable(target, cause);
  }
}

/**
 * Listens for a source.
 * @param channels how many of its connections are let in
 * @throws QapiError when it cannot
 */
export async function listenAt(
  address: SocketMigrationAddress,
  machine: Machine,
  channels: number,
): Promise<IncomingChannel> {
  const target = inQapi(() => channelAddress(address));
  const listener = new SocketListener(channels, native, serverTls(machine));
  try {
    const bound = await listener.listen(target);
    return {
      address: { transport: 'socket', ...schemaAddress(bound) },
      accept: () => listener.accept(),
      close: () => listener.close(),
    };
  } catch (cause) {
    listener.close();
    if (cause instanceof MigrationError) throw new QapiError('GenericError', cause.message, { cause });
    // QEMU names a path, but no host.
    const to = target.type === 'unix' ? ` to ${target.path}` : '';
    throw new QapiError('GenericError', `Failed to bind socket${to}: ${systemReason(cause)}`, { cause });
  }
}

/** @throws MigrationError for what is no port, or no address that is supported */
function channelAddress(address: SocketMigrationAddress): ChannelAddress {
  switch (address.type) {
    case 'unix':
      return { type: 'unix', path: address.path };
    case 'inet': {
      const { host, port } = address;
      if (!/^\d+$/.test(port)) {
        throw new MigrationError(
          `address resolution failed for ${host}:${port}: Servname not supported for ai_socktype`,
        );
      }
      if (Number(port) > 65535) {
        throw new MigrationError(`address resolution failed for ${host}:${port}: no such port`);
      }
      return { type: 'inet', host, port: Number(port) };
    }
    default:
      throw new MigrationError(`Migration over '${address.type}' is not supported`);
  }
}

function unreachable(target: ChannelAddress, cause: unknown): Error {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return unresolved(target, cause);
  return new Error(`Failed to connect to '${describe(target)}': ${systemReason(cause)}`, { cause });
}

function unresolved(target: ChannelAddress, cause?: unknown): Error {
  return new Error(`address resolution failed for ${describe(target)}: Name or service not known`, { cause });
}

function schemaAddress(address: ChannelAddress) {
  if (address.type === 'unix') return address;
  const family = isIPv6(address.host) ? { ipv6: true } : { ipv4: true };
  return { type: 'inet', host: address.host, port: String(address.port), ...family } as const;
}

function describe(address: ChannelAddress): string {
  return address.type === 'unix' ? address.path : `${address.host}:${address.port}`;
}

function inQapi<T>(step: () => T): T {
  try {
    return step();
  } catch (cause) {
    throw new QapiError('GenericError', (cause as Error).message, { cause });
  }
}
