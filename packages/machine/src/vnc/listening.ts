import { lookup } from 'node:dns/promises';
import type { Native } from '@godwit/native';
import { connectTransport, Listener, type SocketAddress, type Transport } from '@godwit/qmp';
import type { VncBasicInfo } from '../generated/index.js';
import { systemReason } from '../system-reason.js';
import type { VncAddress } from './configuration.js';

export type OnConnection = (transport: Transport, peer: SocketAddress) => void;

/** @throws Error when the address does not resolve or cannot be listened on */
export async function listen(
  address: VncAddress,
  native: Native | undefined,
  onConnection: OnConnection,
): Promise<Listener> {
  if (address.kind === 'unix') {
    try {
      return await Listener.open({ address, native, onConnection });
    } catch (cause) {
      throw new Error(`Failed to bind socket to ${address.path}: ${systemReason(cause)}`, { cause });
    }
  }
  const host = await resolve(address.host, address.port);
  for (let port = address.port; ; port++) {
    try {
      return await Listener.open({ address: { kind: 'tcp', host, port }, onConnection });
    } catch (cause) {
      if (port < address.lastPort) continue;
      throw new Error(`Failed to find an available port: ${systemReason(cause)}`, { cause });
    }
  }
}

/**
 * Connects to a viewer that listens.
 * @throws Error
 */
export async function connect(address: VncAddress, native: Native | undefined): Promise<Transport> {
  const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
  const to: SocketAddress =
    address.kind === 'unix'
      ? address
      : { kind: 'tcp', host: await resolve(address.host, address.port), port: address.port };
  try {
    return await connectTransport(to, { native });
  } catch (cause) {
    throw new Error(`Failed to connect to '${where}': ${systemReason(cause)}`, { cause });
  }
}

async function resolve(host: string, port: number): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (cause) {
    throw new Error(`address resolution failed for ${host}:${port}: Name or service not known`, { cause });
  }
}

/** One end of a connection, as queries and events show it. */
export function endpointInfo(address: SocketAddress): VncBasicInfo {
  if (address.kind !== 'tcp') {
    return {
      host: '',
      service: address.kind === 'unix' ? address.path : '',
      family: 'unix',
      websocket: false,
    };
  }
  const { host, port } = address;
  return { host, service: String(port), family: host.includes(':') ? 'ipv6' : 'ipv4', websocket: false };
}
