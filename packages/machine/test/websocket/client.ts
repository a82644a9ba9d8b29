import { Opcode } from '../../src/websocket/frames.js';

/** The sample handshake of RFC 6455, section 1.3, as a browser's script sends it. */
export const upgradeRequest = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: keep-alive, Upgrade',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Protocol: binary',
] as const;

export const head = (lines: readonly string[]) => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);

export interface FrameOptions {
  readonly final?: boolean;
  readonly masked?: boolean;
  /** Bytes that the length takes; as few as will do if absent. */
  readonly lengthBytes?: 0 | 2 | 8;
}

/** A frame as a client sends it. */
export function clientFrame(
  opcode: number,
  payload: Uint8Array | string,
  options: FrameOptions = {},
): Buffer {
  const { final = true, masked = true } = options;
  const bytes = Buffer.from(payload as Uint8Array);
  const lengthBytes = options.lengthBytes ?? (bytes.length < 126 ? 0 : bytes.length < 65536 ? 2 : 8);
  const short = lengthBytes === 0 ? bytes.length : lengthBytes === 2 ? 126 : 127;
  const header = Buffer.alloc(2 + lengthBytes);
  header[0] = (final ? 0x80 : 0) | opcode;
  header[1] = (masked ? 0x80 : 0) | short;
  if (lengthBytes === 2) header.writeUInt16BE(bytes.length, 2);
  if (lengthBytes === 8) header.writeBigUInt64BE(BigInt(bytes.length), 2);
  if (!masked) return Buffer.concat([header, bytes]);
  const mask = Buffer.from([0xa1, 0x02, 0xff, 0x40]);
  return Buffer.concat([header, mask, bytes.map((byte, index) => byte ^ mask[index % 4]!)]);
}

export const binary = (payload: Uint8Array | string) => clientFrame(Opcode.binary, payload);

/** A server's frames as `[opcode, payload]`, and what follows the last whole one. */
export function serverFrames(bytes: Buffer): { frames: [number, Buffer][]; rest: Buffer } {
  const frames: [number, Buffer][] = [];
  let rest = bytes;
  while (rest.length >= 2) {
    const short = rest[1]!;
    const start = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (rest.length < start) break;
    const length =
      short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short;
    if (rest.length < start + length) break;
    frames.push([rest[0]!, rest.subarray(start, start + length)]);
    rest = rest.subarray(start + length);
  }
  return { frames, rest };
}
