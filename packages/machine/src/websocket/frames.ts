/** Frames of the WebSocket protocol as a server sends and takes them (RFC 6455, section 5). */

export const Opcode = { continuation: 0, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export type Opcode = (typeof Opcode)[keyof typeof Opcode];

/** What a close frame gives as its reason (RFC 6455, section 7.4.1). */
export const CloseCode = {
  normal: 1000,
  protocolError: 1002,
  unsupportedData: 1003,
  policyViolation: 1008,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** The client does not keep to the protocol, or says what is not taken here. The message goes into the close frame. */
export class WebSocketError extends Error {
  override readonly name = 'WebSocketError';
  readonly code: CloseCode;

  constructor(code: CloseCode, message: string) {
    super(message);
    this.code = code;
  }
}

const nothing: Buffer = Buffer.alloc(0);

const final = 0x80;
const masked = 0x80;
const controlBit = 0x8;
/** A length of up to 125 bytes is in the second byte of a frame; these two say that it follows in 2 or 8 bytes. */
const longestShort = 125;
const lengthIn2 = 126;
const lengthIn8 = 127;

/** The bytes that go before a payload, from a server: it does not mask. */
export function frameHeader(opcode: Opcode, length: number): Buffer {
  if (length <= longestShort) return Buffer.from([final | opcode, length]);
  if (length <= 0xffff) {
    const header = Buffer.from([final | opcode, lengthIn2, 0, 0]);
    header.writeUInt16BE(length, 2);
    return header;
  }
  const header = Buffer.alloc(10);
  header[0] = final | opcode;
  header[1] = lengthIn8;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

export function frame(opcode: Opcode, payload: Uint8Array): Buffer {
  return Buffer.concat([frameHeader(opcode, payload.length), payload]);
}

export function closeFrame(code: CloseCode, reason: string): Buffer {
  const payload = Buffer.from(`  ${reason}`, 'latin1');
  payload.writeUInt16BE(code, 0);
  return frame(Opcode.close, payload);
}

export interface FrameHandler {
  /** A piece of what binary frames carry; its bounds say nothing. It may be kept. */
  data(payload: Uint8Array): void;
  ping(payload: Uint8Array): void;
  /** The client wants to close; what it sends after that is not looked at. */
  close(): void;
}

/** Takes a client's frames apart, in any chunking. It keeps no more than a header, or the payload of a control frame. */
export class FrameReader {
  readonly #handler: FrameHandler;
  /** What has come and is not taken: between calls a header, or the payload of a control frame, that is not whole. */
  #bytes: Buffer = nothing;
  /** The frame whose payload comes now; undefined where a header is next. */
  #opcode: Opcode | undefined;
  readonly #mask = Buffer.alloc(4);
  #maskAt = 0;
  /** Bytes of the payload that are still to come. */
  #remaining = 0;
  #closed = false;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** @throws WebSocketError after which nothing more may be fed */
  feed(chunk: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    let progress = true;
    while (progress && !this.#closed) {
      progress = this.#opcode === undefined ? this.#takeHeader() : this.#takePayload();
    }
    this.#bytes = this.#closed ? nothing : Buffer.from(this.#bytes);
  }

  /** False where it has not come whole. */
  #takeHeader(): boolean {
    const bytes = this.#bytes;
    if (bytes.length < 2) return false;
    const opcode = bytes[0]! & 0x0f;
    let length = bytes[1]! & 0x7f;
    // A close is a close, whatever it says and whatever is wrong with it.
    if (opcode === Opcode.close) {
      this.#closed = true;
      this.#handler.close();
      return true;
    }
    checkFrame(opcode, (bytes[0]! & final) !== 0, (bytes[1]! & masked) !== 0, length);
    const maskAt = length === lengthIn2 ? 4 : length === lengthIn8 ? 10 : 2;
    const end = maskAt + this.#mask.length;
    if (bytes.length < end) return false;
    if (length === lengthIn2) length = bytes.readUInt16BE(2);
    else if (length === lengthIn8) length = Number(bytes.readBigUInt64BE(2));
    bytes.copy(this.#mask, 0, maskAt, end);
    this.#maskAt = 0;
    this.#remaining = length;
    this.#opcode = opcode as Opcode;
    this.#bytes = bytes.subarray(end);
    return true;
  }

  /** False where there is nothing to take yet. */
  #takePayload(): boolean {
    const isControl = (this.#opcode! & controlBit) !== 0;
    const { length } = this.#bytes;
    if (length < this.#remaining && (isControl || length === 0)) return false;
    const payload = this.#unmask(this.#bytes.subarray(0, this.#remaining));
    this.#bytes = this.#bytes.subarray(payload.length);
    this.#remaining -= payload.length;
    if (this.#opcode === Opcode.ping) this.#handler.ping(payload);
    else if (!isControl && payload.length > 0) this.#handler.data(payload);
    if (this.#remaining === 0) this.#opcode = undefined;
    return true;
  }

  #unmask(bytes: Buffer): Buffer {
    for (let index = 0; index < bytes.length; index++) {
      bytes[index]! ^= this.#mask[(this.#maskAt + index) & 3]!;
    }
    this.#maskAt = (this.#maskAt + bytes.length) & 3;
    return bytes;
  }
}

/** Binary data are all that is spoken, in one frame or several; a continuation thus goes on with binary data. */
function checkFrame(opcode: number, isFinal: boolean, isMasked: boolean, length: number): void {
  const isData = opcode === Opcode.binary || opcode === Opcode.continuation;
  if (!isFinal && !isData) {
    throw new WebSocketError(CloseCode.policyViolation, 'only binary frames may be fragmented');
  }
  if (!isData && opcode !== Opcode.ping && opcode !== Opcode.pong) {
    const text = 'only binary, close, ping, and pong frames are supported';
    throw new WebSocketError(CloseCode.unsupportedData, text);
  }
  if (!isMasked) throw new WebSocketError(CloseCode.protocolError, 'client frames must be masked');
  if (!isData && length > longestShort) {
    throw new WebSocketError(CloseCode.protocolError, 'control frame is too large');
  }
}
