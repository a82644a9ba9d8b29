import { type Conversation, VncProtocolError } from './conversation.js';
import { CHALLENGE_SIZE } from './password.js';

/** How a client shows that it may look. */
export type Security = 'none' | 'vnc';

/** Numbers of security types (RFC 6143, 7.1.2). */
const SECURITY_TYPES: Readonly<Record<Security, number>> = { none: 1, vnc: 2 };

export interface HandshakeOptions {
  readonly security: Security;
  readonly send: (bytes: Uint8Array) => void;
  /** Sixteen bytes that nobody can foretell. */
  readonly challenge: () => Uint8Array;
  /** Whether the response shows that the client knows the password. */
  readonly accepts: (challenge: Uint8Array, response: Uint8Array) => boolean;
}

/** The client was turned away, and told so. */
export class VncRefusal extends Error {
  override name = 'VncRefusal';
}

const VERSION_SIZE = 12;

/**
 * From the first byte to ClientInit, in version 3.3, 3.7 or 3.8 of the protocol, whichever the client speaks.
 * @returns whether the client is willing to share the desktop with others
 */
export function* handshake(options: HandshakeOptions): Conversation<boolean> {
  const { send, security } = options;
  send(Buffer.from('RFB 003.008\n'));
  const minor = readVersion((yield VERSION_SIZE).toString('latin1'));
  const type = SECURITY_TYPES[security];
  if (minor === 3) send(uint32(type));
  else {
    send(Uint8Array.of(1, type));
    const [chosen] = yield 1;
    if (chosen !== type) refuse(send, minor);
  }
  if (security === 'vnc') {
    const challenge = options.challenge();
    send(challenge);
    const response = yield CHALLENGE_SIZE;
    if (!options.accepts(challenge, response)) refuse(send, minor);
  }
  if (minor === 8 || security !== 'none') send(uint32(0));
  const [shared] = yield 1;
  return shared !== 0;
}

/** Versions in between are the one below, as the protocol has it. */
function readVersion(text: string): 3 | 7 | 8 {
  const version = /^RFB 003\.(\d{3})\n$/.exec(text);
  if (version === null) throw new VncProtocolError('no protocol version');
  const minor = Number(version[1]);
  if (minor >= 8) return 8;
  return minor === 7 ? 7 : 3;
}

/** Says that the client may not go on; from version 3.8 on, with the reason. */
function refuse(send: (bytes: Uint8Array) => void, minor: number): never {
  const reason = 'Authentication failed';
  send(uint32(1));
  if (minor === 8) send(Buffer.concat([uint32(reason.length), Buffer.from(reason)]));
  throw new VncRefusal(reason);
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
