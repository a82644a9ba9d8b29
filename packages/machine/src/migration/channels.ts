import {
  type Channel,
  type SocketAddress as ChannelAddress,
  connectSocketChannel,
  ExecChannel,
  FileReadChannel,
  FileWriteChannel,
  type OpenChannel,
  SocketListener,
} from '@godwit/migration';
import { QapiError } from '@godwit/qapi/runtime';
import type { MigrationAddress } from '../generated/index.js';
import { systemReason } from '../system-reason.js';

/** Where a destination waits for its source. */
export interface IncomingChannel {
  /** Where it listens, with the port that the system chose; undefined for what does not listen. */
  readonly address: MigrationAddress;
  accept(): Promise<Channel>;
  /** Stops waiting and removes the socket's file. Idempotent. */
  close(): void;
}

/** How a source reaches its destination. @throws QapiError for a transport that is not supported */
export function outgoingChannel(address: MigrationAddress): OpenChannel {
  if (address.transport === 'file') {
    const { filename, offset } = address;
    return () => opened(filename, FileWriteChannel.open(filename, Number(offset)));
  }
  if (address.transport === 'exec') return () => started(address.args, 'write');
  const target = channelAddress(address);
  return async (signal) => {
    try {
      return await connectSocketChannel(target, signal);
    } catch (cause) {
      throw new Error(`Failed to connect to '${describe(target)}': ${systemReason(cause)}`, { cause });
    }
  };
}

/**
 * Starts to wait for a source.
 * @param channels how many connections of it are let in
 * @throws QapiError when it cannot
 */
export async function incomingChannel(address: MigrationAddress, channels = 1): Promise<IncomingChannel> {
  if (address.transport === 'file') {
    const { filename, offset } = address;
    return withoutListening(address, () => opened(filename, FileReadChannel.open(filename, Number(offset))));
  }
  if (address.transport === 'exec') return withoutListening(address, () => started(address.args, 'read'));
  const target = channelAddress(address);
  const listener = new SocketListener(channels);
  try {
    const bound = await listener.listen(target);
    return {
      address: { transport: 'socket', ...schemaAddress(bound) },
      accept: () => listener.accept(),
      close: () => listener.close(),
    };
  } catch (cause) {
    listener.close();
    throw new QapiError(
      'GenericError',
      `Failed to bind socket to ${describe(target)}: ${systemReason(cause)}`,
      {
        cause,
      },
    );
  }
}

function withoutListening(address: MigrationAddress, accept: () => Promise<Channel>): IncomingChannel {
  return { address, accept, close: () => {} };
}

async function opened(filename: string, channel: Promise<Channel>): Promise<Channel> {
  try {
    return await channel;
  } catch (cause) {
    throw new Error(`Unable to open ${filename}: ${systemReason(cause)}`, { cause });
  }
}

async function started(args: readonly string[], direction: 'write' | 'read'): Promise<Channel> {
  try {
    return await ExecChannel.start(args, direction);
  } catch (cause) {
    throw new Error(`Unable to run ${args[0] ?? ''}: ${systemReason(cause)}`, { cause });
  }
}

function channelAddress(address: MigrationAddress): ChannelAddress {
  if (address.transport !== 'socket' || (address.type !== 'unix' && address.type !== 'inet')) {
    const kind = address.transport === 'socket' ? address.type : address.transport;
    throw new QapiError('GenericError', `Migration over '${kind}' is not supported`);
  }
  if (address.type === 'unix') return { type: 'unix', path: address.path };
  return { type: 'inet', host: address.host, port: Number(address.port) };
}

function schemaAddress(address: ChannelAddress) {
  if (address.type === 'unix') return address;
  return { type: 'inet', host: address.host, port: String(address.port) } as const;
}

function describe(address: ChannelAddress): string {
  return address.type === 'unix' ? address.path : `${address.host}:${address.port}`;
}
