import { QapiError } from '@godwit/qapi/runtime';
import { checkSocketPath, parsePort } from '../chardev/configuration.js';
import type { MigrationAddress, MigrationChannel, SocketAddress } from '../generated/index.js';

/** Where a migration goes to or comes from, as `migrate` and `migrate-incoming` take it. */
export interface Destination {
  readonly uri?: string;
  readonly channels?: readonly MigrationChannel[];
}

/**
 * The address of the main channel.
 * @throws QapiError
 */
export function destinationAddress({ uri, channels }: Destination): MigrationAddress {
  if (uri !== undefined && channels !== undefined) {
    throw new QapiError(
      'GenericError',
      "'uri' and 'channels' arguments are mutually exclusive; exactly one of the two should be present in 'migrate' qmp command",
    );
  }
  if (uri !== undefined) return parseUri(uri);
  const [channel, ...others] = channels ?? [];
  if (channel === undefined) throw new QapiError('GenericError', "need either 'uri' or 'channels' argument");
  if (others.length > 0)
    throw new QapiError('GenericError', 'Channel list must have only one entry, for type main');
  if (channel['channel-type'] !== 'main') {
    throw new QapiError('GenericError', 'Channel list must have an entry for type main');
  }
  checkAddress(channel.addr);
  return channel.addr;
}

/**
 * `unix:PATH`, `tcp:HOST:PORT`, `fd:NAME` or `file:PATH[,offset=N]`.
 * @throws QapiError
 */
export function parseUri(uri: string): MigrationAddress {
  const [, protocol, rest = ''] = /^([a-z]+):(.*)$/s.exec(uri) ?? [];
  switch (protocol) {
    case 'unix':
      return checked({ transport: 'socket', type: 'unix', path: rest });
    case 'tcp': {
      const [, host, port] = /^(\[[^\]]*\]|[^:,]*):(\d+)(?:,.*)?$/s.exec(rest) ?? [];
      if (host === undefined || port === undefined) {
        throw new QapiError('GenericError', `error parsing address '${rest}'`);
      }
      return checked({ transport: 'socket', type: 'inet', host: host.replace(/^\[|\]$/g, ''), port });
    }
    case 'fd':
      return { transport: 'socket', type: 'fd', str: rest };
    case 'file': {
      const [, filename = '', offset = '0'] = /^(.*?)(?:,offset=(\d+))?$/s.exec(rest) ?? [];
      return { transport: 'file', filename, offset: BigInt(offset) };
    }
    case 'exec':
      return { transport: 'exec', args: ['/bin/sh', '-c', rest] };
    default:
      throw new QapiError('GenericError', `unknown migration protocol: ${uri}`);
  }
}

/** @throws QapiError where only one connection can be made to an address, and multifd wants several */
export function checkSeveralChannels(address: MigrationAddress): void {
  if (address.transport === 'socket' && SEVERAL_CHANNELS.includes(address.type)) return;
  throw new QapiError('GenericError', 'Migration requires multi-channel URIs (e.g. tcp)');
}

const SEVERAL_CHANNELS: readonly string[] = ['unix', 'inet', 'vsock'];

/** An address as query-migrate shows where a destination listens. */
export function socketAddressOf(address: MigrationAddress): SocketAddress | undefined {
  if (address.transport !== 'socket') return undefined;
  const { transport, ...socket } = address;
  return socket;
}

function checked(address: MigrationAddress): MigrationAddress {
  checkAddress(address);
  return address;
}

function checkAddress(address: MigrationAddress): void {
  if (address.transport !== 'socket') return;
  if (address.type === 'unix') inQapi(() => checkSocketPath(address.path));
  if (address.type === 'inet') inQapi(() => parsePort(address.port));
}

function inQapi(step: () => unknown): void {
  try {
    step();
  } catch (cause) {
    throw new QapiError('GenericError', (cause as Error).message, { cause });
  }
}
