import type { Colour } from '../console/index.js';

/** Bytes of a pixel format on the wire, with its padding. */
export const PIXEL_FORMAT_SIZE = 16;

/** How a client wants its pixels (RFC 6143, 7.4). */
export interface PixelFormat {
  readonly bitsPerPixel: 8 | 16 | 32;
  readonly depth: number;
  readonly bigEndian: boolean;
  /** Otherwise a pixel is an index into a colour map that the server sends. */
  readonly trueColour: boolean;
  readonly red: Channel;
  readonly green: Channel;
  readonly blue: Channel;
}

interface Channel {
  /** A power of two less one. */
  readonly max: number;
  readonly shift: number;
}

/** What the server speaks until a client asks for something else. */
export const DEFAULT_FORMAT: PixelFormat = {
  bitsPerPixel: 32,
  depth: 24,
  bigEndian: false,
  trueColour: true,
  red: { max: 255, shift: 16 },
  green: { max: 255, shift: 8 },
  blue: { max: 255, shift: 0 },
};

export function writePixelFormat({ red, green, blue, ...format }: PixelFormat): Uint8Array {
  const bytes = Buffer.alloc(PIXEL_FORMAT_SIZE);
  bytes[0] = format.bitsPerPixel;
  bytes[1] = format.depth;
  bytes[2] = format.bigEndian ? 1 : 0;
  bytes[3] = format.trueColour ? 1 : 0;
  [red, green, blue].forEach(({ max, shift }, index) => {
    bytes.writeUInt16BE(max, 4 + 2 * index);
    bytes[10 + index] = shift;
  });
  return bytes;
}

/** @throws Error when no pixel can look like that */
export function readPixelFormat(bytes: Buffer): PixelFormat {
  const trueColour = bytes[3] !== 0;
  const bitsPerPixel = sizeOf(bytes[0]!, trueColour);
  if (bitsPerPixel !== 8 && bitsPerPixel !== 16 && bitsPerPixel !== 32) {
    throw new Error(`pixels of ${bitsPerPixel} bits`);
  }
  const [red, green, blue] = [0, 1, 2].map((index) => {
    const channel = { max: bytes.readUInt16BE(4 + 2 * index), shift: bytes[10 + index]! };
    const bits = Math.log2(channel.max + 1);
    if (trueColour && !(Number.isInteger(bits) && bits + channel.shift <= bitsPerPixel)) {
      throw new Error(`a colour of 0 to ${channel.max} at bit ${channel.shift} of ${bitsPerPixel}`);
    }
    return channel;
  }) as [Channel, Channel, Channel];
  return { bitsPerPixel, depth: bytes[1]!, bigEndian: bytes[2] !== 0, trueColour, red, green, blue };
}

/** An index into a colour map fits a byte, where the client has not said what else it is to fit. */
function sizeOf(bitsPerPixel: number, trueColour: boolean): number {
  return trueColour || [16, 32].includes(bitsPerPixel) ? bitsPerPixel : 8;
}

/** The bytes of a pixel for each colour of a palette. */
export function encodePalette(format: PixelFormat, palette: readonly Colour[]): readonly Uint8Array[] {
  return palette.map((colour, index) => {
    const value = format.trueColour ? pixelValue(format, colour) : index;
    return pixelBytes(value, format.bitsPerPixel / 8, format.bigEndian);
  });
}

/** The same for ZRLE, which leaves out the byte of a 32-bit pixel that never holds a colour (RFC 6143, 7.7.5). */
export function encodeCompactPalette(format: PixelFormat, palette: readonly Colour[]): readonly Uint8Array[] {
  const pixels = encodePalette(format, palette);
  const { bitsPerPixel, depth, trueColour, bigEndian, red, green, blue } = format;
  if (bitsPerPixel !== 32 || depth > 24 || !trueColour) return pixels;
  const mask = [red, green, blue].reduce((bits, { max, shift }) => bits | (max << shift), 0) >>> 0;
  if (mask <= 0x00ffffff)
    return pixels.map((pixel) => (bigEndian ? pixel.subarray(1) : pixel.subarray(0, 3)));
  if ((mask & 0xff) === 0)
    return pixels.map((pixel) => (bigEndian ? pixel.subarray(0, 3) : pixel.subarray(1)));
  return pixels;
}

function pixelValue({ red, green, blue }: PixelFormat, colour: Colour): number {
  return [red, green, blue].reduce((value, { max, shift }, index) => {
    return (value | (Math.round((colour[index]! * max) / 255) << shift)) >>> 0;
  }, 0);
}

function pixelBytes(value: number, size: number, bigEndian: boolean): Uint8Array {
  const bytes = Buffer.alloc(size);
  if (bigEndian) bytes.writeUIntBE(value, 0, size);
  else bytes.writeUIntLE(value, 0, size);
  return bytes;
}
