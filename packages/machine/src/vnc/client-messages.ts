import type { Rectangle } from '../console/index.js';
import { type Conversation, VncProtocolError } from './conversation.js';
import { PIXEL_FORMAT_SIZE, type PixelFormat, readPixelFormat } from './pixel-format.js';

/** What a client says after the handshake. */
export interface ClientMessageHandler {
  setPixelFormat(format: PixelFormat): void;
  setEncodings(encodings: readonly number[]): void;
  requestUpdate(incremental: boolean, area: Rectangle): void;
  key(keysym: number, down: boolean): void;
  /** Numbers of the XVP extension: of its version, and of what the machine is to do. */
  power(version: number, action: number): void;
}

/** Numbers of messages (RFC 6143, 7.5, and the registry of RFB). */
const Message = {
  SET_PIXEL_FORMAT: 0,
  SET_ENCODINGS: 2,
  FRAMEBUFFER_UPDATE_REQUEST: 3,
  KEY_EVENT: 4,
  POINTER_EVENT: 5,
  CLIENT_CUT_TEXT: 6,
  XVP: 250,
  QEMU: 255,
} as const;

/** Of QEMU's own messages: a key with its scan code beside its keysym. */
const EXTENDED_KEY_EVENT = 0;

/** A longer text to paste is taken for nonsense, in bytes. */
const MAX_CUT_TEXT = 1 << 20;
const SKIPPED_AT_ONCE = 4096;

/** Messages without an end. @throws VncProtocolError for one that is not known or not possible */
export function* clientMessages(handler: ClientMessageHandler): Conversation<void> {
  for (;;) {
    const [type] = yield 1;
    switch (type) {
      case Message.SET_PIXEL_FORMAT: {
        const bytes = yield 3 + PIXEL_FORMAT_SIZE;
        handler.setPixelFormat(parsePixelFormat(bytes.subarray(3)));
        break;
      }
      case Message.SET_ENCODINGS: {
        const count = (yield 3).readUInt16BE(1);
        const numbers = count === 0 ? Buffer.alloc(0) : yield 4 * count;
        handler.setEncodings(Array.from({ length: count }, (_, index) => numbers.readInt32BE(4 * index)));
        break;
      }
      case Message.FRAMEBUFFER_UPDATE_REQUEST: {
        const bytes = yield 9;
        const [x, y, width, height] = [1, 3, 5, 7].map((at) => bytes.readUInt16BE(at)) as [
          number,
          number,
          number,
          number,
        ];
        handler.requestUpdate(bytes[0] !== 0, { x, y, width, height });
        break;
      }
      case Message.KEY_EVENT: {
        const bytes = yield 7;
        handler.key(bytes.readUInt32BE(3), bytes[0] !== 0);
        break;
      }
      case Message.POINTER_EVENT:
        // A text console has no use for a pointer.
        yield 5;
        break;
      case Message.CLIENT_CUT_TEXT: {
        const length = (yield 7).readUInt32BE(3);
        if (length > MAX_CUT_TEXT) throw new VncProtocolError(`a text of ${length} bytes`);
        for (let left = length; left > 0; left -= SKIPPED_AT_ONCE) yield Math.min(left, SKIPPED_AT_ONCE);
        break;
      }
      case Message.XVP: {
        const bytes = yield 3;
        handler.power(bytes[1]!, bytes[2]!);
        break;
      }
      case Message.QEMU: {
        const [kind] = yield 1;
        if (kind !== EXTENDED_KEY_EVENT) throw new VncProtocolError(`message ${type}, ${kind}`);
        const bytes = yield 10;
        // A console of text wants the character, whichever key makes it.
        handler.key(bytes.readUInt32BE(2), bytes.readUInt16BE(0) !== 0);
        break;
      }
      default:
        throw new VncProtocolError(`message ${type}`);
    }
  }
}

function parsePixelFormat(bytes: Buffer): PixelFormat {
  try {
    return readPixelFormat(bytes);
  } catch (cause) {
    throw new VncProtocolError((cause as Error).message, { cause });
  }
}
