import { fstatSync } from 'node:fs';
import { systemReason } from '@godwit/native';
import { type Connectable, MonitorServer, type SocketAddress } from '@godwit/qmp';
import type { MachineEnvironment } from '../machine-environment.js';
import type { UserObjects } from '../objects/index.js';
import { type SocketChardev, type SocketEndpoint, SUN_PATH, type UnixEndpoint } from './configuration.js';
import { type InetEndpoint, resolveHost } from './inet-endpoint.js';
import { type SocketEnds, unixPath } from './socket-ends.js';
import { clientTls, serverTls } from './socket-tls.js';

interface SocketEnvironment extends MachineEnvironment {
  readonly objects: UserObjects;
}

/**
 * Listens, or connects.
 * @throws Error in QEMU's words
 */
export function openSocket(
  connectable: Connectable,
  configuration: SocketChardev,
  environment: SocketEnvironment,
): Promise<MonitorServer> {
  return configuration.server
    ? listen(connectable, configuration, environment)
    : connect(connectable, configuration, environment);
}

async function connect(
  connectable: Connectable,
  configuration: SocketChardev,
  { clock, native, warn, objects }: SocketEnvironment,
): Promise<MonitorServer> {
  const { id, endpoint, reconnectMs } = configuration;
  const tls = clientTls(configuration, objects);
  if (endpoint.type === 'inet' && endpoint.host === '' && reconnectMs === undefined) {
    throw new Error(`address resolution failed for ${bareAddress(endpoint)}: Name or service not known`);
  }
  // The name of a host is looked up with every attempt.
  const address =
    endpoint.type === 'inet' && endpoint.family === undefined
      ? ({ kind: 'tcp', host: endpoint.host, port: endpoint.port } as const)
      : await socketAddress(endpoint, 'send');
  const onFailure = (cause: Error) =>
    warn(`Unable to connect character device ${id}: ${connectFailure(endpoint, cause)}`);
  const where = { kind: 'connect', address, reconnectMs, onFailure, ...tls } as const;
  try {
    return await MonitorServer.open(connectable, where, { clock, native, onReport: warn });
  } catch (cause) {
    throw new Error(connectFailure(endpoint, cause), { cause });
  }
}

async function listen(
  connectable: Connectable,
  configuration: SocketChardev,
  { clock, native, warn, objects }: SocketEnvironment,
): Promise<MonitorServer> {
  const tls = serverTls(configuration, objects);
  for (let endpoint = configuration.endpoint; ; ) {
    const where = { kind: 'listen', address: await socketAddress(endpoint, 'listen'), ...tls } as const;
    try {
      return await MonitorServer.open(connectable, where, { clock, native, onReport: warn });
    } catch (cause) {
      const next = nextPort(endpoint, cause);
      if (next === undefined) throw new Error(bindFailure(endpoint, cause), { cause });
      endpoint = next;
    }
  }
}

/** The next port that may be free, where one of several is asked for. */
function nextPort(endpoint: SocketEndpoint, cause: unknown): InetEndpoint | undefined {
  if (endpoint.type !== 'inet' || errorCode(cause) !== 'EADDRINUSE') return undefined;
  const { port, lastPort = port } = endpoint;
  return port < lastPort ? { ...endpoint, port: port + 1 } : undefined;
}

function connectFailure(endpoint: SocketEndpoint, cause: unknown): string {
  const where = bareAddress(endpoint);
  if (errorCode(cause) === 'ENOTFOUND') {
    return `address resolution failed for ${where}: Name or service not known`;
  }
  return `Failed to connect to '${where}': ${systemReason(cause)}`;
}

function bindFailure(endpoint: SocketEndpoint, cause: unknown): string {
  const reason = systemReason(cause);
  switch (endpoint.type) {
    case 'unix':
      return `Failed to bind socket to ${endpoint.path}: ${reason}`;
    case 'fd':
      return `Failed to listen on fd socket: ${reason}`;
    case 'inet':
      return errorCode(cause) === 'EADDRINUSE'
        ? `Failed to find an available port: ${reason}`
        : `Failed to bind socket: ${reason}`;
  }
}

function errorCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
  }
  return undefined;
}

/**
 * What a socket without a connection is, as query-chardev shows it.
 * @param bound where it listens, with the port that the system chose
 */
export function disconnectedFilename(socket: SocketChardev, bound: SocketAddress | undefined): string {
  const { endpoint } = socket;
  const suffix = serverSuffix(socket);
  switch (endpoint.type) {
    case 'unix':
      return `disconnected:unix:${endpoint.path}${abstractSuffix(endpoint)}${suffix}`;
    case 'fd':
      return `disconnected:fd:${endpoint.name}${suffix}`;
    case 'inet': {
      const { host, port } = bound?.kind === 'tcp' ? bound : endpoint;
      return `disconnected:${protocolOf(socket)}:${host}:${port}${suffix}`;
    }
  }
}

/**
 * What the connection of a socket is, as query-chardev shows it.
 * @param connection the ends of one over tcp; of another the path of this side
 */
export function connectedFilename(socket: SocketChardev, connection: SocketEnds | string): string {
  const suffix = serverSuffix(socket);
  if (typeof connection === 'string') return `unix:${connection}${suffix}`;
  return `${protocolOf(socket)}:${connection.local}${suffix} <-> ${connection.remote}`;
}

/** The path that connections of a unix socket are bound to. A client's are to none. @throws Error when a descriptor is no socket */
export function boundPath({ endpoint, server }: SocketChardev): string {
  switch (endpoint.type) {
    case 'unix':
      return server && endpoint.abstract === undefined ? endpoint.path : '';
    case 'fd':
      return unixPath(socketDescriptor(endpoint.name));
    case 'inet':
      return '';
  }
}

function serverSuffix({ server }: SocketChardev): string {
  return server ? ',server=on' : '';
}

function protocolOf({ telnet, websocket }: SocketChardev): string {
  return telnet ? 'telnet' : websocket ? 'websocket' : 'tcp';
}

function bareAddress(endpoint: SocketEndpoint): string {
  switch (endpoint.type) {
    case 'unix':
      return endpoint.path;
    case 'fd':
      return endpoint.name;
    case 'inet':
      return `${endpoint.host}:${endpoint.port}`;
  }
}

function abstractSuffix({ abstract }: UnixEndpoint): string {
  if (abstract === undefined) return '';
  return `,abstract=on${abstract === 'tight' ? ',tight=on' : ''}`;
}

async function socketAddress(endpoint: SocketEndpoint, use: 'listen' | 'send'): Promise<SocketAddress> {
  switch (endpoint.type) {
    case 'unix':
      return { kind: 'unix', path: systemPath(endpoint) };
    case 'inet':
      return { kind: 'tcp', host: await resolveHost(endpoint, use), port: endpoint.port };
    case 'fd':
      return { kind: 'fd', fd: socketDescriptor(endpoint.name) };
  }
}

/** The name of an abstract socket begins with a zero. */
function systemPath({ path, abstract }: UnixEndpoint): string {
  if (abstract === undefined) return path;
  return abstract === 'tight' ? `\0${path}` : `\0${path}`.padEnd(SUN_PATH, '\0');
}

/** @throws Error when it is no number, or no socket */
function socketDescriptor(name: string): number {
  if (!/^-?\d+$/.test(name)) throw new Error(`Unable to parse FD number ${name}`.trimEnd());
  const fd = Number(name);
  try {
    if (fstatSync(fd).isSocket()) return fd;
  } catch {
    // What is not open is no socket either.
  }
  throw new Error(`File descriptor '${name}' is not a socket`);
}
