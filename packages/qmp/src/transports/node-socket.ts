import type { Socket } from 'node:net';
import type { Native } from '@godwit/native';
import type { Transport } from '../transport.js';
import { DescriptorTransport } from './descriptor-transport.js';
import { StreamTransport } from './stream-transport.js';

/** The descriptor of a socket of Node's, which Node does not document but has had since its beginning. */
function descriptorOf(socket: Socket): number | undefined {
  const handle = (socket as { _handle?: { fd?: number } | null })._handle;
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}

/**
 * A connected unix socket as a transport: through the addon, where it is there, so that descriptors can travel. The socket
 * must not have begun to read.
 */
export function unixTransport(socket: Socket, native: Native | undefined): Transport {
  const fd = native === undefined ? undefined : descriptorOf(socket);
  if (native === undefined || fd === undefined) return new StreamTransport({ input: socket, output: socket });
  const own = native.dup(fd);
  socket.destroy();
  return new DescriptorTransport(own, native);
}

/** A connected tcp socket as a transport. */
export function tcpTransport(socket: Socket): Transport {
  socket.setNoDelay(true);
  return new StreamTransport({ input: socket, output: socket });
}
