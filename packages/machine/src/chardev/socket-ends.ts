import { fstatSync, readFileSync } from 'node:fs';

export interface SocketEnds {
  readonly local: string;
  readonly remote: string;
}

/**
 * The ends of a connected tcp socket as `HOST:PORT`, as the kernel's tables show them (Linux). Undefined for another kind of
 * socket.
 */
export function tcpEnds(fd: number): SocketEnds | undefined {
  const inode = String(fstatSync(fd).ino);
  for (const table of ['/proc/self/net/tcp', '/proc/self/net/tcp6']) {
    for (const line of linesOf(table)) {
      const [, local = '', remote = '', , , , , , , found] = line.trim().split(/\s+/);
      if (found === inode) return { local: endOf(local), remote: endOf(remote) };
    }
  }
  return undefined;
}

/** The path that a unix socket is bound to, as the kernel's table shows it (Linux); '' for one without, or another kind. */
export function unixPath(fd: number): string {
  const inode = String(fstatSync(fd).ino);
  for (const line of linesOf('/proc/self/net/unix')) {
    const [, found, path = ''] = /^\S+ \S+ \S+ \S+ \S+ \S+ +(\d+)(?: (.*))?$/.exec(line) ?? [];
    if (found === inode) return path.startsWith('@') ? '' : path;
  }
  return '';
}

function linesOf(table: string): readonly string[] {
  try {
    return readFileSync(table, 'latin1').split('\n').slice(1);
  } catch {
    // Another system, or one without that version of IP.
    return [];
  }
}

/** `0100007F:1F90`, whose words are in the byte order of the machine, is 127.0.0.1:8080. */
function endOf(text: string): string {
  const [words = '', port = ''] = text.split(':');
  const bytes = Buffer.from(words, 'hex');
  bytes.swap32();
  const number = Number.parseInt(port, 16);
  if (bytes.length === 4) return `${bytes.join('.')}:${number}`;
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(2 * index).toString(16));
  const { hostname } = new URL(`http://[${groups.join(':')}]`);
  return `${hostname}:${number}`;
}
