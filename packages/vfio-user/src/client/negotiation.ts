import type { Native } from '@godwit/native';
import { type Capabilities, decodeVersion, encodeVersion, MAJOR, MINOR } from '../protocol/capabilities.js';
import { ProtocolError } from '../protocol/errors.js';
import { Command } from '../protocol/messages.js';
import type { Requester } from './requester.js';

/** What a client and a server have agreed on. */
export interface Agreement {
  /** What the server said of itself. */
  readonly peer: Capabilities;
  /** The socket for the server's own commands, where it sent one. Belongs to the caller. */
  readonly twin: number | undefined;
}

/** QEMU's limit. */
const MAX_PEER_TRANSFER_SIZE = 64 * 1024 * 1024;
const MAX_VERSION = 32 * 1024;

/** Agrees on the version and the capabilities. Throws {@link ProtocolError} for a server that cannot be spoken with. */
export async function negotiate(native: Native, requester: Requester, own: Capabilities): Promise<Agreement> {
  const version = encodeVersion({ major: MAJOR, minor: MINOR, capabilities: own });
  const reply = await requester.ask(Command.VERSION, [version], { min: 4, max: MAX_VERSION, fds: 1 });
  try {
    const { major, minor, capabilities: peer } = decodeVersion(reply.payload);
    if (major !== MAJOR || minor > MINOR) {
      throw new ProtocolError(`the server speaks version ${major}.${minor}`);
    }
    if (peer.maxDataTransferSize === 0 || peer.maxDataTransferSize > MAX_PEER_TRANSFER_SIZE) {
      throw new ProtocolError(`the server transfers ${peer.maxDataTransferSize} bytes at once`);
    }
    return { peer, twin: peer.twinSocket.supported ? takeTwin(native, peer, reply.fds) : undefined };
  } finally {
    requester.drop(reply);
  }
}

function takeTwin(native: Native, { twinSocket }: Capabilities, fds: number[]): number {
  const index = twinSocket.fdIndex ?? -1;
  const fd = fds[index];
  if (fd === undefined || native.fileType(fd) !== 'socket') {
    throw new ProtocolError('the server promises a twin socket and does not send it');
  }
  fds.splice(index, 1);
  return fd;
}
