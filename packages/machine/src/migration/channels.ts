import { type Channel, ExecChannel, type OpenChannel } from '@godwit/migration';
import { systemReason } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import type { MigrationAddress } from '../generated/index.js';
import type { Machine } from '../machine.js';
import type { Place } from './address.js';
import { migrationDescriptor, openForReading, openForWriting } from './descriptors.js';
import { connectTo, listenAt } from './sockets.js';

/** What channels are made with. */
export interface ChannelContext {
  readonly machine: Machine;
  /** Whose monitor asked for it. */
  readonly place: Place;
}

/** Where a destination waits for its source. */
export interface IncomingChannel {
  /** Where it listens, with the port that the system chose; undefined for what does not listen. */
  readonly address: MigrationAddress;
  accept(): Promise<Channel>;
  /** Stops waiting and removes the socket's file. Idempotent. */
  close(): void;
}

/** How a source reaches its destination. @throws QapiError for what cannot be used */
export function outgoingChannel(address: MigrationAddress, context: ChannelContext): OpenChannel {
  const { machine } = context;
  if (machine.migrations.parameters.values['tls-creds'] !== '') checkTransportForTls(address);
  switch (address.transport) {
    case 'file':
      return () => openForWriting(machine.fdSets, address);
    case 'exec':
      return () => startProgram(address.args, 'write');
    case 'socket':
      if (address.type === 'fd') {
        const channel = migrationDescriptor(address.str, 'write', context.place);
        return async () => channel;
      }
      return (signal) => connectTo(address, machine, signal);
    default:
      throw new QapiError('GenericError', `Migration over '${address.transport}' is not supported`);
  }
}

/**
 * Starts to wait for a source.
 * @param channels how many connections of it are let in
 * @throws QapiError when it cannot
 */
export async function incomingChannel(
  address: MigrationAddress,
  context: ChannelContext,
  channels = 1,
): Promise<IncomingChannel> {
  const { machine } = context;
  if (machine.migrations.parameters.values['tls-creds'] !== '') checkTransportForTls(address);
  switch (address.transport) {
    case 'file':
      return withoutListening(address, () => openForReading(machine.fdSets, address));
    case 'exec':
      return withoutListening(address, () => startProgram(address.args, 'read'));
    case 'socket': {
      if (address.type !== 'fd') return listenAt(address, machine, channels);
      return passed(address, migrationDescriptor(address.str, 'read', context.place));
    }
    default:
      throw new QapiError('GenericError', `Migration over '${address.transport}' is not supported`);
  }
}

function passed(address: MigrationAddress, channel: Channel): IncomingChannel {
  let accepted = false;
  return {
    address,
    accept: async () => {
      accepted = true;
      return channel;
    },
    close: () => {
      if (!accepted) channel.close();
    },
  };
}

function withoutListening(address: MigrationAddress, accept: () => Promise<Channel>): IncomingChannel {
  return { address, accept, close: () => {} };
}

/** What is to be encrypted must not go out in the clear. */
function checkTransportForTls(address: MigrationAddress): void {
  if (address.transport === 'socket' && (address.type === 'inet' || address.type === 'unix')) return;
  const kind = address.transport === 'socket' ? address.type : address.transport;
  throw new QapiError('GenericError', `Migration over '${kind}' cannot use TLS; set 'tls-creds' to ''`);
}

async function startProgram(args: readonly string[], direction: 'write' | 'read'): Promise<Channel> {
  try {
    return await ExecChannel.start(args, direction);
  } catch (cause) {
    throw new Error(`Unable to run ${args[0] ?? ''}: ${systemReason(cause)}`, { cause });
  }
}
