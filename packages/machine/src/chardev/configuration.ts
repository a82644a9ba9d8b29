import { OptionError } from '../options/option-error.js';
import type { InetEndpoint } from './inet-endpoint.js';
import { type SocketTls, socketTls } from './socket-tls.js';

/** Where a socket leads. */
export type SocketEndpoint =
  | UnixEndpoint
  | InetEndpoint
  /** A descriptor's number, or a name that `getfd` gave it. */
  | { readonly type: 'fd'; readonly name: string };

export interface UnixEndpoint {
  readonly type: 'unix';
  readonly path: string;
  /** The path names a socket outside of the file system: `tight` as it is, `padded` filled up with zeros. */
  readonly abstract?: 'tight' | 'padded';
}

interface ChardevBase {
  readonly id: string;
  /** What errors begin with; absent for those of a command. */
  readonly source?: string;
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
  /** The client is a terminal of the family 3270. */
  readonly tn3270?: boolean;
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

export interface PathChardev extends ChardevBase {
  readonly kind: 'pipe' | 'serial' | 'parallel';
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

export interface ConsoleChardev extends ChardevBase {
  readonly kind: 'vc';
  /** In characters. */
  readonly columns: number;
  readonly rows: number;
}

export interface PlainChardev extends ChardevBase {
  readonly kind: 'null' | 'pty' | 'testdev';
}

/** A character device as it was asked for. */
export type ChardevConfiguration =
  | SocketChardev
  | FileChardev
  | PathChardev
  | UdpChardev
  | RingbufChardev
  | MuxChardev
  | StdioChardev
  | ConsoleChardev
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
  'serial',
  'parallel',
  'vc',
  'testdev',
] as const;

const RINGBUF_SIZE = 65536;

/** Bytes of a path in `struct sockaddr_un`, with its final zero. */
export const SUN_PATH = 108;

/** @throws OptionError */
export function ringSize(size = RINGBUF_SIZE): number {
  if (!Number.isInteger(Math.log2(size))) {
    throw new OptionError('size of ringbuf chardev must be power of two');
  }
  return size;
}

/** Pixels of a character. */
const FONT_WIDTH = 8;
const FONT_HEIGHT = 16;
const CONSOLE = { columns: 80, rows: 24 } as const;
const CONSOLE_LIMIT = 1000;

/** How many characters a terminal shows, of what is said of it in pixels or characters; 80 by 24 without a whole size. */
export function consoleSize(
  given: {
    readonly [Name in 'width' | 'height' | 'cols' | 'rows']: bigint | undefined;
  },
): { readonly columns: number; readonly rows: number } {
  const { width, height, cols, rows } = given;
  const columns = width === undefined ? Number(cols ?? 0n) : Math.floor(Number(width) / FONT_WIDTH);
  const lines = height === undefined ? Number(rows ?? 0n) : Math.floor(Number(height) / FONT_HEIGHT);
  if (columns <= 0 || lines <= 0) return CONSOLE;
  return { columns: Math.min(columns, CONSOLE_LIMIT), rows: Math.min(lines, CONSOLE_LIMIT) };
}

/** @param address as in the schema's UnixSocketAddress @throws OptionError */
export function unixEndpoint(address: {
  readonly path: string;
  readonly abstract?: boolean | undefined;
  readonly tight?: boolean | undefined;
}): UnixEndpoint {
  const { path, abstract = false, tight = true } = address;
  checkSocketPath(path);
  return { type: 'unix', path, ...(abstract ? { abstract: tight ? 'tight' : 'padded' } : {}) };
}

/**
 * A socket, when what it is asked for goes together.
 * @throws OptionError
 */
export function socketChardev(
  asked: Omit<SocketChardev, 'kind' | 'endpoint' | 'wait' | 'reconnectMs' | 'tls'> & {
    readonly addressType: SocketEndpoint['type'] | 'vsock';
    /** Looked at, and a descriptor taken, when all else goes together. */
    readonly endpoint: () => SocketEndpoint;
    readonly wait?: boolean;
    /** Undefined where nothing was said of it. */
    readonly reconnectMs: number | undefined;
    readonly tlsCredentials: string | undefined;
    readonly tlsAuthorization: string | undefined;
  },
): SocketChardev {
  const { id, addressType, server, wait, telnet, tn3270, websocket, reconnectMs } = asked;
  if (addressType === 'fd' && reconnectMs !== undefined) {
    throw new OptionError("'reconnect' option is incompatible with 'fd' address type");
  }
  const tls = socketTls(asked.tlsCredentials, asked.tlsAuthorization);
  if (server && reconnectMs !== undefined) {
    throw new OptionError("'reconnect' option is incompatible with socket in server listen mode");
  }
  if (!server && websocket) throw new OptionError('Websocket client is not implemented');
  if (!server && wait !== undefined) {
    throw new OptionError("'wait' option is incompatible with socket in client connect mode");
  }
  return {
    id,
    kind: 'socket',
    endpoint: asked.endpoint(),
    server,
    wait: server && wait !== false,
    ...(telnet ? { telnet } : {}),
    ...(tn3270 ? { tn3270 } : {}),
    ...(websocket ? { websocket } : {}),
    ...(tls === undefined ? {} : { tls }),
    ...(reconnectMs === undefined || reconnectMs <= 0 ? {} : { reconnectMs }),
  };
}

/** @throws OptionError when no socket can have this path */
export function checkSocketPath(path: string): void {
  if (path === '') throw new OptionError('UNIX socket path must not be empty');
  if (Buffer.byteLength(path) >= SUN_PATH) {
    throw new OptionError(`UNIX socket path '${path}' is too long`, {
      hint: `Path must be less than ${SUN_PATH} bytes`,
    });
  }
}
