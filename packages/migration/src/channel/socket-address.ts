import { MigrationError } from '../errors.js';

/** Where a connection goes to, or comes from. */
export type SocketAddress =
  | { readonly type: 'unix'; readonly path: string }
  | { readonly type: 'inet'; readonly host: string; readonly port: number };

/** The longest path of a unix socket that Linux takes (sun_path, without the final zero), in bytes. */
const MAX_UNIX_PATH = 107;

/** Throws {@link MigrationError} where `address` cannot be used; Node itself would cut a long path short. */
export function checkSocketAddress(address: SocketAddress): void {
  if (address.type === 'unix' && Buffer.byteLength(address.path) > MAX_UNIX_PATH) {
    throw new MigrationError(`UNIX socket path '${address.path}' is too long`);
  }
}

/** As node:net takes it. */
export function nodeAddress(address: SocketAddress): { path: string } | { host: string; port: number } {
  return address.type === 'unix' ? { path: address.path } : { host: address.host, port: address.port };
}
