import { fstatSync } from 'node:fs';
import { systemReason } from '@godwit/native';
import { type Connectable, type MonitorEndpoint, MonitorServer, type SocketAddress } from '@godwit/qmp';
import type { MachineEnvironment } from '../machine-environment.js';
import type { UserObjects } from '../objects/index.js';
import type { SocketChardev, SocketEndpoint } from './configuration.js';
import { clientTls, serverTls } from './socket-tls.js';

/**
 * Listens, or connects.
 * @throws Error in QEMU's words
 */
export async function openSocket(
  connectable: Connectable,
  configuration: SocketChardev,
  { clock, native, warn, objects }: MachineEnvironment & { readonly objects: UserObjects },
): Promise<MonitorServer> {
  const { endpoint, server, reconnectMs } = configuration;
  const address = socketAddress(endpoint);
  const where: MonitorEndpoint = server
    ? { kind: 'listen', address, ...serverTls(configuration, objects) }
    : { kind: 'connect', address, reconnectMs, ...clientTls(configuration, objects) };
  try {
    return await MonitorServer.open(connectable, where, { clock, native, onReport: warn });
  } catch (cause) {
    throw new Error(failure(endpoint, server, cause), { cause });
  }
}

function failure(endpoint: SocketEndpoint, server: boolean, cause: unknown): string {
  const where = bareAddress(endpoint);
  if (isUnknownHost(cause)) return `address resolution failed for ${where}: Name or service not known`;
  const reason = systemReason(cause);
  if (server && endpoint.type === 'fd') return `Failed to listen on fd socket: ${reason}`;
  return server
    ? `Failed to bind socket to ${where}: ${reason}`
    : `Failed to connect to '${where}': ${reason}`;
}

function isUnknownHost(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && at.code === 'ENOTFOUND') return true;
  }
  return false;
}

/**
 * What a socket is connected to, as query-chardev shows it.
 * @param bound where it listens, with the port that the system chose
 * @param ends the ends of its connection, where they have ports
 */
export function socketFilename(
  { endpoint, server, telnet, websocket }: SocketChardev,
  bound: SocketAddress | undefined,
  ends: { readonly local: string; readonly remote: string } | undefined,
): string {
  const suffix = server ? ',server=on' : '';
  switch (endpoint.type) {
    case 'unix':
      return `unix:${endpoint.path}${suffix}`;
    case 'fd':
      return `fd:${endpoint.name}${suffix}`;
    case 'inet': {
      const port = bound?.kind === 'tcp' ? bound.port : endpoint.port;
      const protocol = telnet ? 'telnet' : websocket ? 'websocket' : 'tcp';
      if (ends !== undefined) return `${protocol}:${ends.local}${suffix} <-> ${ends.remote}`;
      return `${protocol}:${bareAddress({ ...endpoint, port })}${suffix}`;
    }
  }
}

function bareAddress(endpoint: SocketEndpoint): string {
  switch (endpoint.type) {
    case 'unix':
      return endpoint.path;
    case 'fd':
      return endpoint.name;
    case 'inet':
      return `${endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
  }
}

function socketAddress(endpoint: SocketEndpoint): SocketAddress {
  switch (endpoint.type) {
    case 'unix':
      return { kind: 'unix', path: endpoint.path };
    case 'inet':
      return { kind: 'tcp', host: endpoint.host, port: endpoint.port };
    case 'fd':
      return { kind: 'fd', fd: socketDescriptor(endpoint.name) };
  }
}

/** @throws Error when it is no number, or no socket */
function socketDescriptor(name: string): number {
  if (!/^-?\d+$/.test(name)) throw new Error(`Unable to parse FD number ${name}`);
  const fd = Number(name);
  try {
    if (fstatSync(fd).isSocket()) return fd;
  } catch {
    // What is not open is no socket either.
  }
  throw new Error(`File descriptor '${name}' is not a socket`);
}
