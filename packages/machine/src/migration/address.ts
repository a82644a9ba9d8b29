import { QapiError } from '@godwit/qapi/runtime';
import type { NamedDescriptors } from '@godwit/qmp';
import type { MigrationAddress, MigrationChannel, SocketAddress } from '../generated/index.js';
import { parseSize } from '../options/values.js';

/** Where a migration goes to or comes from, as `migrate` and `migrate-incoming` take it. */
export interface Place {
  readonly uri?: string;
  readonly channels?: readonly MigrationChannel[];
  /** What `fd:NAME` looks its name up in: the monitor's own. */
  readonly descriptors?: NamedDescriptors;
}

/** No such way to migrate. */
export class UnknownProtocolError extends QapiError {
  constructor(uri: string) {
    super('GenericError', `unknown migration protocol: ${uri}`);
  }
}

/** @throws QapiError unless it is told in one of the two ways */
export function checkPlace({ uri, channels }: Place): void {
  if ((uri === undefined) !== (channels === undefined)) return;
  throw new QapiError('GenericError', "need either 'uri' or 'channels' argument");
}

/**
 * The address of the main channel.
 * @throws QapiError in QEMU's words
 */
export function mainAddress(place: Place): MigrationAddress {
  checkPlace(place);
  const { uri, channels } = place;
  if (uri !== undefined) return parseUri(uri);
  const main = (channels ?? []).filter((channel) => channel['channel-type'] === 'main');
  if (main.length > 1) throw new QapiError('GenericError', 'Channel list has more than one main entry');
  const [channel] = main;
  if (channel === undefined) throw new QapiError('GenericError', 'Channel list has no main entry');
  if (channels?.length !== 1) {
    throw new QapiError('GenericError', "Channels of type 'cpr' are not supported");
  }
  return channel.addr;
}

/**
 * `unix:PATH`, `tcp:HOST:PORT`, `fd:NAME`, `exec:COMMAND` or `file:PATH[,offset=N]`.
 * @throws QapiError in QEMU's words
 */
function parseUri(uri: string): MigrationAddress {
  const [, protocol, rest = ''] = /^([a-z]+):(.*)$/s.exec(uri) ?? [];
  switch (protocol) {
    case 'unix':
      if (rest === '') throw new QapiError('GenericError', 'invalid Unix socket address');
      return { transport: 'socket', type: 'unix', path: rest };
    case 'tcp':
      return { transport: 'socket', type: 'inet', ...parseHostAndPort(rest) };
    case 'fd':
      return { transport: 'socket', type: 'fd', str: rest };
    case 'file':
      return { transport: 'file', ...parseFile(rest) };
    case 'exec':
      return { transport: 'exec', args: ['/bin/sh', '-c', rest] };
    case 'vsock':
      if (!/^[^:]{1,32}:[^,]/.test(rest))
        throw new QapiError('GenericError', `error parsing address '${rest}'`);
      throw new QapiError('GenericError', `Migration over '${protocol}' is not supported`);
    case 'rdma':
      throw new QapiError('GenericError', `Migration over '${protocol}' is not supported`);
    default:
      throw new UnknownProtocolError(uri);
  }
}

/** @throws QapiError where only one connection can be made to an address, and multifd wants several */
export function checkSeveralChannels(address: MigrationAddress): void {
  if (address.transport === 'socket' && SEVERAL_CHANNELS.includes(address.type)) return;
  throw new QapiError('GenericError', 'Migration requires multi-channel URIs (e.g. tcp)');
}

const SEVERAL_CHANNELS: readonly string[] = ['unix', 'inet', 'vsock'];

/** An address as query-migrate shows where a destination listens; undefined for one where nobody can connect. */
export function socketAddressOf(address: MigrationAddress): SocketAddress | undefined {
  if (address.transport !== 'socket' || address.type === 'fd') return undefined;
  const { transport, ...socket } = address;
  return socket;
}

/** What a port may be is asked when the address is used. Options after the port are checked, and change nothing here. */
function parseHostAndPort(text: string): { host: string; port: string } {
  const part = text.startsWith('[') ? 'IPv6 address' : text.startsWith(':') ? 'port in address' : 'address';
  const [, ipv6, host = ipv6 ?? '', port, options = ''] =
    /^(?:\[([^\]]{1,64})\]|([^:]{0,64})):([^,]{1,32})(.*)$/s.exec(text) ?? [];
  if (port === undefined || (part === 'IPv6 address' && ipv6 === undefined)) {
    throw new QapiError('GenericError', `error parsing ${part} '${text}'`);
  }
  if (/,to=(?!\s*[+-]?\d+(?:,|$))/.test(options)) {
    throw new QapiError('GenericError', 'error parsing to= argument');
  }
  for (const flag of ['ipv4', 'ipv6', 'keep-alive', 'mptcp']) checkFlag(flag, options);
  return { host, port };
}

/** A flag is there, `=on` or `=off`. @throws QapiError */
function checkFlag(flag: string, options: string): void {
  const at = options.indexOf(`,${flag}`);
  if (at === -1) return;
  const rest = options.slice(at + 1 + flag.length);
  if (/^(?:=on|=off)?(?:$|,(?!,))/.test(rest)) return;
  throw new QapiError('GenericError', `error parsing '${flag}' flag '${rest}'`);
}

function parseFile(text: string): { filename: string; offset: bigint } {
  const at = text.indexOf(',offset=');
  if (at === -1) return { filename: text, offset: 0n };
  const offset = text.slice(at + ',offset='.length);
  try {
    return { filename: text.slice(0, at), offset: parseSize('offset', offset, 'b') };
  } catch (cause) {
    throw new QapiError('GenericError', `file URI has bad offset ${offset}: Invalid argument`, { cause });
  }
}
