export interface UnixAddress {
  readonly kind: 'unix';
  /** One that begins with a zero names a socket outside of the file system (Linux), its other bytes being the name. */
  readonly path: string;
}

/** Where a socket is. */
export type SocketAddress =
  | UnixAddress
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A descriptor that the process has inherited or was given: connected, or listening where one listens. */
  | { readonly kind: 'fd'; readonly fd: number };

/** Bytes of a unix socket's path, as `sockaddr_un` has room for it with its terminating zero. */
export const longestUnixPath = 107;

/**
 * Reads `unix:PATH`, `tcp:HOST:PORT`, `HOST:PORT`, `fd:N` or a plain path. IPv6 addresses stand in brackets; an empty host
 * is every address when listening and localhost when connecting.
 * @throws Error that quotes the text
 */
export function parseAddress(text: string): SocketAddress {
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length));
  if (text.startsWith('fd:')) {
    const fd = text.slice('fd:'.length);
    if (!/^[0-9]{1,9}$/.test(fd)) throw new Error(`'${text}' is no address: fd: is followed by a number`);
    return { kind: 'fd', fd: Number(fd) };
  }
  const explicit = text.startsWith('tcp:');
  const tcp = /^(?:\[([^\]]*)\]|([^:/]*)):([0-9]{1,5})$/.exec(explicit ? text.slice('tcp:'.length) : text);
  if (tcp !== null) {
    const port = Number(tcp[3]);
    if (port > 65535) throw new Error(`'${text}' is no address: port ${port} is above 65535`);
    return { kind: 'tcp', host: tcp[1] ?? tcp[2] ?? '', port };
  }
  if (explicit) throw new Error(`'${text}' is no address: tcp: is followed by HOST:PORT`);
  return unixAddress(text);
}

function unixAddress(path: string): SocketAddress {
  checkUnixPath(path);
  return { kind: 'unix', path };
}

/** @throws Error when a path is empty or too long for a unix socket */
export function checkUnixPath(path: string): void {
  if (path.startsWith('\0') && Buffer.byteLength(path) <= longestUnixPath + 1) return;
  if (path === '') throw new Error('the path of a unix socket is empty');
  const length = Buffer.byteLength(path);
  if (length > longestUnixPath) {
    throw new Error(
      `the unix socket path '${path}' is too long: ${length} bytes, and at most ${longestUnixPath} fit`,
    );
  }
}

export function isAbstract({ path }: UnixAddress): boolean {
  return path.startsWith('\0');
}

export function formatAddress(address: SocketAddress): string {
  switch (address.kind) {
    case 'unix':
      return `unix:${isAbstract(address) ? address.path.replaceAll('\0', '@') : address.path}`;
    case 'tcp':
      return `tcp:${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    case 'fd':
      return `fd:${address.fd}`;
  }
}
