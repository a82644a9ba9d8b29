import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Native } from '@godwit/native';
import { systemReason } from '@godwit/native';
import { connectTransport, Listener, type SocketAddress, type Transport } from '@godwit/qmp';
import type { VncBasicInfo } from '../generated/index.js';
import type { VncAddress } from './configuration.js';

export type OnConnection = (transport: Transport, peer: SocketAddress) => void;

/** @param address one whose host is a number @throws Error when it cannot be listened on */
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
  const { host } = address;
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
  const to = await resolved(address);
  try {
    return await connectTransport(to, { native });
  } catch (cause) {
    throw new Error(`Failed to connect to '${where}': ${systemReason(cause)}`, { cause });
  }
}

/** The same with a number for its host. @throws Error */
export async function resolved(address: VncAddress): Promise<VncAddress> {
  if (address.kind === 'unix') return address;
  const { host, port, family = 0 } = address;
  const refuse = (reason: string, cause?: unknown) =>
    new Error(`address resolution failed for ${host}:${port}: ${reason}`, { cause });
  if (host === '') throw refuse('Name or service not known');
  const numeric = isIP(host);
  if (numeric !== 0) {
    if (family === 0 || family === numeric) return address;
    throw refuse('Address family for hostname not supported');
  }
  try {
    return { ...address, host: (await lookup(host, { family })).address };
  } catch (cause) {
    throw refuse('Name or service not known', cause);
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
