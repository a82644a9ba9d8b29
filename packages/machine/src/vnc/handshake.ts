import { SecurityType, securityType, type VncAuthentication, vencryptType } from './authentication.js';
import { type Conversation, SECURE, VncProtocolError } from './conversation.js';
import { CHALLENGE_SIZE } from './password.js';

export interface HandshakeOptions {
  readonly authentication: VncAuthentication;
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

/** The only version of VeNCrypt in use. */
const VENCRYPT_VERSION = Uint8Array.of(0, 2);

/**
 * From the first byte to ClientInit, in version 3.3, 3.7 or 3.8 of the protocol, whichever the client speaks.
 * @returns whether the client is willing to share the desktop with others
 */
export function* handshake(options: HandshakeOptions): Conversation<boolean> {
  const { send, authentication } = options;
  send(Buffer.from('RFB 003.008\n'));
  const version = (yield VERSION_SIZE).toString('latin1');
  const minor = readVersion(version);
  const type = securityType(authentication);
  // Where the server alone decides there is no VeNCrypt.
  if (minor === undefined || (minor === 3 && type === SecurityType.VENCRYPT)) {
    send(uint32(SecurityType.INVALID));
    throw new VncRefusal(minor === undefined ? `version ${version.trimEnd()}` : 'TLS is required');
  }
  if (minor === 3) {
    send(uint32(type));
  } else {
    send(Uint8Array.of(1, type));
    const [chosen] = yield 1;
    if (chosen !== type) refuse(send, minor);
  }
  if (type === SecurityType.VENCRYPT) yield* vencrypt(options);
  if (authentication.password) {
    const challenge = options.challenge();
    send(challenge);
    const response = yield CHALLENGE_SIZE;
    if (!options.accepts(challenge, response)) refuse(send, minor);
  }
  if (minor === 8 || type !== SecurityType.NONE) send(uint32(0));
  const [shared] = yield 1;
  return shared !== 0;
}

/** Agrees on VeNCrypt's version and on what is asked within, then goes over to TLS. */
function* vencrypt({ send, authentication }: HandshakeOptions): Conversation<void> {
  send(VENCRYPT_VERSION);
  const version = yield VENCRYPT_VERSION.length;
  if (!version.equals(VENCRYPT_VERSION)) {
    send(Uint8Array.of(1));
    throw new VncRefusal(`VeNCrypt of version ${version.join('.')}`);
  }
  const type = vencryptType(authentication);
  send(Buffer.concat([Uint8Array.of(0, 1), uint32(type)]));
  const chosen = (yield 4).readUInt32BE();
  if (chosen !== type) {
    send(Uint8Array.of(0));
    throw new VncRefusal(`type ${chosen} of VeNCrypt`);
  }
  send(Uint8Array.of(1));
  yield SECURE;
}

/** The versions that are spoken: some clients say 3.4 or 3.5 and mean 3.3. */
const MINOR_VERSIONS: Readonly<Record<number, 3 | 7 | 8>> = { 3: 3, 4: 3, 5: 3, 7: 7, 8: 8 };

/** Numbers of up to three characters, read as scanf does, so that what QEMU takes for a version is one here. */
const VERSION = /^RFB\s*([+-]\d{1,2}|\d{1,3})\.\s*([+-]\d{1,2}|\d{1,3})/;

/** Undefined for a version that is not spoken, as QEMU has it. */
function readVersion(text: string): 3 | 7 | 8 | undefined {
  const [version, major, minor] = VERSION.exec(text) ?? [];
  if (version === undefined) throw new VncProtocolError('no protocol version');
  return Number(major) === 3 ? MINOR_VERSIONS[Number(minor)] : undefined;
}

/** Says that the client may not go on; from version 3.8 on, with the reason. */
function refuse(send: (bytes: Uint8Array) => void, minor: number): never {
  const reason = 'Authentication failed';
  send(uint32(1));
  if (minor === 8) send(reasonText(reason));
  throw new VncRefusal(reason);
}

/** As QEMU sends it: the byte that ends a string of C is part of it. */
function reasonText(reason: string): Uint8Array {
  const text = Buffer.from(`${reason}\0`);
  return Buffer.concat([uint32(text.length), text]);
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
