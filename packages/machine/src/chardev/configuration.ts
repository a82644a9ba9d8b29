import { OptionError } from '../options/option-error.js';
import type { OptionValues } from '../options/option-group.js';

/** Where a socket leads. */
export type SocketEndpoint =
  | { readonly type: 'unix'; readonly path: string; readonly abstract: boolean }
  | { readonly type: 'inet'; readonly host: string; readonly port: number }
  /** A descriptor's number, or a name that `getfd` gave it. */
  | { readonly type: 'fd'; readonly name: string };

interface ChardevBase {
  readonly id: string;
}

export interface SocketChardev extends ChardevBase {
  readonly kind: 'socket';
  readonly endpoint: SocketEndpoint;
  readonly server: boolean;
  /** Do not go on before the first client is there (-chardev wait=on). */
  readonly wait: boolean;
}

export interface FileChardev extends ChardevBase {
  readonly kind: 'file';
  readonly path: string;
  readonly append: boolean;
}

export interface RingbufChardev extends ChardevBase {
  readonly kind: 'ringbuf';
  /** Bytes that it keeps; a power of two. */
  readonly size: number;
}

export interface PlainChardev extends ChardevBase {
  readonly kind: 'stdio' | 'null';
}

/** A character device as it was asked for. */
export type ChardevConfiguration = SocketChardev | FileChardev | RingbufChardev | PlainChardev;

/** The kinds that can be made. */
export const CHARDEV_KINDS = ['socket', 'file', 'stdio', 'null', 'ringbuf'] as const;

const RINGBUF_SIZE = 65536;

/** Bytes of a path in `struct sockaddr_un`, with its final zero. */
const SUN_PATH = 108;

/**
 * What the parameters of -chardev ask for.
 * @throws OptionError
 */
export function chardevFromOptions(id: string, values: OptionValues): ChardevConfiguration {
  const kind = values.backend;
  if (kind === undefined) throw new OptionError(`chardev: "${id}" missing backend`);
  switch (kind) {
    case 'socket':
      return socketFromOptions(id, values);
    case 'file':
      if (typeof values.path !== 'string') throw new OptionError('chardev: file: no filename given');
      return { id, kind, path: values.path, append: values.append === true };
    case 'ringbuf': {
      const size = values.size === undefined ? RINGBUF_SIZE : Number(values.size);
      if (!Number.isInteger(Math.log2(size)))
        throw new OptionError('size of ringbuf chardev must be power of two');
      return { id, kind, size };
    }
    case 'stdio':
    case 'null':
      return { id, kind };
    default:
      throw new OptionError(`'${kind}' is not a valid char driver name`);
  }
}

/**
 * The short form that -qmp, -monitor and -serial take (`unix:PATH,server=on,wait=off`, `tcp:HOST:PORT`, `file:PATH`,
 * `stdio`, `null`), as -chardev would be given it.
 * @throws OptionError
 */
export function expandShortChardev(text: string): string {
  const [, tcpHost, tcpPort, tcpMore = ''] = /^tcp:(\[[^\]]*\]|[^:,]*):([^,]+)(,.*)?$/s.exec(text) ?? [];
  if (tcpHost !== undefined && tcpPort !== undefined) {
    const host = tcpHost === '' ? '0.0.0.0' : tcpHost.replace(/^\[|\]$/g, '');
    return `socket,host=${host},port=${tcpPort}${tcpMore}`;
  }
  if (text.startsWith('unix:')) return `socket,path=${text.slice(5)}`;
  if (text.startsWith('file:')) return `file,path=${text.slice(5)}`;
  if (/^(?:stdio|null|ringbuf)(?:,|$)/.test(text)) return text;
  throw new OptionError(`'${text}' is not a valid char driver`);
}

function socketFromOptions(id: string, values: OptionValues): SocketChardev {
  if (values.telnet === true) throw new OptionError('chardev: socket: telnet is not supported');
  const given = ['path', 'host', 'fd'].filter((name) => values[name] !== undefined);
  if (given.length === 0) throw new OptionError("chardev: socket: one of 'path', 'host' or 'fd' is needed");
  if (given.length > 1) {
    throw new OptionError("chardev: socket: 'path', 'host' and 'fd' are mutually exclusive");
  }
  const server = values.server === true;
  if (values.wait !== undefined && !server) {
    throw new OptionError("'wait' option is incompatible with socket in client connect mode");
  }
  return {
    id,
    kind: 'socket',
    endpoint: endpointFromOptions(values),
    server,
    wait: server && values.wait !== false,
  };
}

function endpointFromOptions(values: OptionValues): SocketEndpoint {
  if (typeof values.path === 'string') {
    checkSocketPath(values.path);
    return { type: 'unix', path: values.path, abstract: values.abstract === true };
  }
  if (typeof values.fd === 'string') return { type: 'fd', name: values.fd };
  if (values.port === undefined) throw new OptionError('chardev: socket: no port given');
  return { type: 'inet', host: String(values.host), port: parsePort(String(values.port)) };
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

/** @throws OptionError */
export function parsePort(text: string): number {
  const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) throw new OptionError(`address resolution failed: '${text}' is not a port number`);
  return port;
}
