import { OptionError } from '../options/option-error.js';
import type { OptionValues } from '../options/option-group.js';
import { type SocketTls, socketTls } from './socket-tls.js';

/** Where a socket leads. */
export type SocketEndpoint =
  | { readonly type: 'unix'; readonly path: string; readonly abstract: boolean }
  | InetEndpoint
  /** A descriptor's number, or a name that `getfd` gave it. */
  | { readonly type: 'fd'; readonly name: string };

export interface InetEndpoint {
  readonly type: 'inet';
  readonly host: string;
  readonly port: number;
}

interface ChardevBase {
  readonly id: string;
  /** A file that keeps what is written to the device. */
  readonly log?: { readonly path: string; readonly append: boolean };
}

export interface SocketChardev extends ChardevBase {
  readonly kind: 'socket';
  readonly endpoint: SocketEndpoint;
  readonly server: boolean;
  /** Do not go on before the first client is there (-chardev wait=on). */
  readonly wait: boolean;
  /** The client speaks telnet. */
  readonly telnet?: boolean;
  /** The client speaks the WebSocket protocol. */
  readonly websocket?: boolean;
  readonly tls?: SocketTls;
  /** Connect again so many milliseconds after a disconnect, or a failure. */
  readonly reconnectMs?: number;
}

export interface FileChardev extends ChardevBase {
  readonly kind: 'file';
  readonly path: string;
  readonly append: boolean;
  /** A file that is read. */
  readonly input?: string;
}

export interface PipeChardev extends ChardevBase {
  readonly kind: 'pipe';
  readonly path: string;
}

export interface UdpChardev extends ChardevBase {
  readonly kind: 'udp';
  readonly remote: InetEndpoint;
  readonly local?: InetEndpoint;
}

export interface RingbufChardev extends ChardevBase {
  readonly kind: 'ringbuf' | 'memory';
  /** Bytes that it keeps; a power of two. */
  readonly size: number;
}

export interface MuxChardev extends ChardevBase {
  readonly kind: 'mux';
  /** The device that is shared. */
  readonly base: string;
  /** So many share it from the start: keys that come before they are there wait. */
  readonly users?: number;
}

export interface StdioChardev extends ChardevBase {
  readonly kind: 'stdio';
  /** False: Control-C is a key like others. */
  readonly signal?: boolean;
}

export interface PlainChardev extends ChardevBase {
  readonly kind: 'null' | 'pty';
}

/** A character device as it was asked for. */
export type ChardevConfiguration =
  | SocketChardev
  | FileChardev
  | PipeChardev
  | UdpChardev
  | RingbufChardev
  | MuxChardev
  | StdioChardev
  | PlainChardev;

/** The kinds that can be made. */
export const CHARDEV_KINDS = [
  'socket',
  'file',
  'pipe',
  'pty',
  'udp',
  'stdio',
  'null',
  'ringbuf',
  'memory',
  'mux',
] as const;

const RINGBUF_SIZE = 65536;

/** Bytes of a path in `struct sockaddr_un`, with its final zero. */
const SUN_PATH = 108;

/**
 * What the parameters of -chardev ask for: a device, or with `mux=on` the one that is shared, and the one that shares it.
 * @throws OptionError
 */
export function chardevsFromOptions(id: string, values: OptionValues): ChardevConfiguration[] {
  if (values.mux !== true) return [chardevFromOptions(id, values)];
  const base = `${id}-base`;
  return [chardevFromOptions(base, values), { id, kind: 'mux', base }];
}

/** @throws OptionError */
export function chardevFromOptions(id: string, values: OptionValues): ChardevConfiguration {
  const { logfile, logappend } = values;
  if (logappend !== undefined && logfile === undefined) {
    throw new OptionError("'logappend' is only valid together with 'logfile'");
  }
  const log = typeof logfile === 'string' ? { log: { path: logfile, append: logappend === true } } : {};
  return { ...backendFromOptions(id, values), ...log };
}

function backendFromOptions(id: string, values: OptionValues): ChardevConfiguration {
  const kind = values.backend;
  switch (kind) {
    case undefined:
      throw new OptionError(`chardev: "${id}" missing backend`);
    case 'socket':
      return socketFromOptions(id, values);
    case 'file': {
      const { path } = values;
      if (typeof path !== 'string') throw new OptionError('chardev: file: no filename given');
      return { id, kind, path, append: values.append === true };
    }
    case 'pipe':
      if (typeof values.path !== 'string') throw new OptionError('chardev: pipe: no device path given');
      return { id, kind, path: values.path };
    case 'udp':
      return udpFromOptions(id, values);
    case 'ringbuf':
    case 'memory':
      return { id, kind, size: ringSize(values.size === undefined ? undefined : Number(values.size)) };
    case 'mux':
      if (typeof values.chardev !== 'string') throw new OptionError('chardev: mux: no chardev given');
      return { id, kind, base: values.chardev };
    case 'stdio':
      return { id, kind, ...(values.signal === false ? { signal: false } : {}) };
    case 'null':
    case 'pty':
      return { id, kind };
    default:
      throw new OptionError(`'${kind}' is not a valid char driver name`);
  }
}

/** @throws OptionError */
export function ringSize(size = RINGBUF_SIZE): number {
  if (!Number.isInteger(Math.log2(size))) {
    throw new OptionError('size of ringbuf chardev must be power of two');
  }
  return size;
}

/**
 * The short form that -qmp, -monitor and -serial take (`unix:PATH,server=on,wait=off`, `tcp:HOST:PORT`, `telnet:…`, `websocket:…`,
 * `udp:HOST:PORT@LOCALHOST:LOCALPORT`, `file:PATH`, `pipe:PATH`, `stdio`, `null`, `pty`; `mon:` before them shares the
 * device with a monitor), as -chardev would be given it.
 * @throws OptionError
 */
export function expandShortChardev(text: string): string {
  // Control-C is for whoever is at the other end of the shared device, Control-A x ends the machine.
  if (text.startsWith('mon:')) {
    const shared = expandShortChardev(text.slice(4));
    return `${shared},mux=on${shared.startsWith('stdio') ? ',signal=off' : ''}`;
  }
  const [, kind, host = '', port, more = ''] =
    /^(tcp|telnet|websocket):(\[[^\]]*\]|[^:,]*):([^,]+)(,.*)?$/s.exec(text) ?? [];
  if (kind !== undefined) {
    const where = host === '' ? '0.0.0.0' : host.replace(/^\[|\]$/g, '');
    return `socket,host=${where},port=${port}${kind === 'tcp' ? '' : `,${kind}=on`}${more}`;
  }
  const udp = /^udp:([^:,@]*):([^,@]+)(?:@([^:,]*):([^,]+))?$/.exec(text);
  if (udp !== null) {
    const [, to = '', toPort, from, fromPort] = udp;
    const local = fromPort === undefined ? '' : `,localaddr=${from},localport=${fromPort}`;
    return `udp,host=${to === '' ? 'localhost' : to},port=${toPort}${local}`;
  }
  const [, prefix, path] = /^(unix|file|pipe):(.*)$/s.exec(text) ?? [];
  if (prefix !== undefined) return `${prefix === 'unix' ? 'socket' : prefix},path=${path}`;
  if (/^(?:stdio|null|ringbuf|pty)(?:,|$)/.test(text)) return text;
  throw new OptionError(`'${text}' is not a valid char driver`);
}

function socketFromOptions(id: string, values: OptionValues): SocketChardev {
  const given = ['path', 'host', 'fd'].filter((name) => values[name] !== undefined);
  if (given.length === 0) throw new OptionError("chardev: socket: one of 'path', 'host' or 'fd' is needed");
  if (given.length > 1) {
    throw new OptionError("None or one of 'path', 'fd' or 'host' option required.");
  }
  const server = values.server === true;
  if (values.tn3270 === true) throw new OptionError('chardev: socket: tn3270 is not supported');
  return socketChardev({
    id,
    endpoint: endpointFromOptions(values),
    server,
    ...(typeof values.wait === 'boolean' ? { wait: values.wait } : {}),
    telnet: values.telnet === true,
    websocket: values.websocket === true,
    reconnectMs: Number(values.reconnect ?? 0) * 1000,
    tlsCredentials: text(values['tls-creds']),
    tlsAuthorization: text(values['tls-authz']),
  });
}

function text(value: OptionValues[string] | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

/**
 * A socket, when what it is asked for goes together.
 * @throws OptionError
 */
export function socketChardev(
  asked: Omit<SocketChardev, 'kind' | 'wait' | 'reconnectMs' | 'tls'> & {
    readonly wait?: boolean;
    readonly reconnectMs: number;
    readonly tlsCredentials: string | undefined;
    readonly tlsAuthorization: string | undefined;
  },
): SocketChardev {
  const { id, endpoint, server, wait, telnet, websocket, reconnectMs } = asked;
  if (endpoint.type === 'fd' && reconnectMs > 0) {
    throw new OptionError("'reconnect' option is incompatible with 'fd' address type");
  }
  const tls = socketTls(asked.tlsCredentials, asked.tlsAuthorization, endpoint, server);
  if (server && reconnectMs > 0) {
    throw new OptionError("'reconnect' option is incompatible with socket in server listen mode");
  }
  if (!server && websocket) throw new OptionError('Websocket client is not implemented');
  if (!server && wait !== undefined) {
    throw new OptionError("'wait' option is incompatible with socket in client connect mode");
  }
  return {
    id,
    kind: 'socket',
    endpoint,
    server,
    wait: server && wait !== false,
    ...(telnet ? { telnet } : {}),
    ...(websocket ? { websocket } : {}),
    ...(tls === undefined ? {} : { tls }),
    ...(reconnectMs > 0 ? { reconnectMs } : {}),
  };
}

function endpointFromOptions(values: OptionValues): SocketEndpoint {
  if (typeof values.path === 'string') {
    checkSocketPath(values.path);
    return { type: 'unix', path: values.path, abstract: values.abstract === true };
  }
  if (typeof values.fd === 'string') return { type: 'fd', name: values.fd };
  if (values.port === undefined) throw new OptionError('chardev: socket: no port given');
  return inetEndpoint(String(values.host), String(values.port));
}

function udpFromOptions(id: string, values: OptionValues): UdpChardev {
  const { host = 'localhost', port, localaddr, localport } = values;
  if (port === undefined || port === '') throw new OptionError('chardev: udp: remote port not specified');
  const remote = inetEndpoint(String(host), String(port));
  if (localaddr === undefined && localport === undefined) return { id, kind: 'udp', remote };
  return { id, kind: 'udp', remote, local: inetEndpoint(String(localaddr ?? ''), String(localport ?? '0')) };
}

/** @throws OptionError when no socket can have this path */
export function checkSocketPath(path: string): void {
  if (path === '') throw new OptionError('UNIX socket path must not be empty');
  if (Buffer.byteLength(path) >= SUN_PATH) {
    throw new OptionError(
      `UNIX socket path '${path}' is too long (path must be less than ${SUN_PATH} bytes)`,
    );
  }
}

/** @throws OptionError when the port is none */
export function inetEndpoint(host: string, port: string): InetEndpoint {
  const number = portNumber(port);
  if (number === undefined) {
    throw new OptionError(
      `address resolution failed for ${host}:${port}: Servname not supported for ai_socktype`,
    );
  }
  return { type: 'inet', host, port: number };
}

/** @throws OptionError */
export function parsePort(text: string): number {
  const port = portNumber(text);
  if (port === undefined) throw new OptionError(`address resolution failed: '${text}' is not a port number`);
  return port;
}

function portNumber(text: string): number | undefined {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return port <= 65535 ? port : undefined;
}
