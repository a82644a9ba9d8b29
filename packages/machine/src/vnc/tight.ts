import type { Colour, Rectangle } from '../console/index.js';
import type { Picture } from './encodings.js';
import { encodePalette, type PixelFormat } from './pixel-format.js';
import { ZlibStream } from './zlib-stream.js';

/** How a rectangle begins, all of it by way of the first of the four zlib streams (the registry of RFB, encoding 7). */
const Control = { COPY: 0x00, WITH_FILTER: 0x40, FILL: 0x80 } as const;
const PALETTE_FILTER = 1;

/** Less than this is not compressed. */
const SMALLEST = 12;

/**
 * Rectangles of one colour, or of a palette with a bit or a byte for each pixel, compressed by zlib. A rectangle is at most
 * 2048 pixels wide, which a console never is.
 */
export class TightEncoder {
  readonly #stream = new ZlibStream();

  /** @param pixels the bytes of a pixel for each colour, as {@link encodeTightPalette} makes them */
  encode(picture: Picture, area: Rectangle, pixels: readonly Uint8Array[]): Uint8Array {
    const indices = indicesOf(picture, area);
    const colours = [...new Set(indices)];
    const palette = colours.map((colour) => pixels[colour]!);
    if (palette.length === 1) return Buffer.concat([Uint8Array.of(Control.FILL), palette[0]!]);
    if (palette.length > 2 && pixels[0]!.length === 1) {
      // A palette would save nothing.
      const copied = indices.map((colour) => pixels[colour]![0]!);
      return Buffer.concat([Uint8Array.of(Control.COPY), this.#data(copied)]);
    }
    const places = new Uint8Array(pixels.length);
    colours.forEach((colour, place) => {
      places[colour] = place;
    });
    const placed = indices.map((colour) => places[colour]!);
    return Buffer.concat([
      Uint8Array.of(Control.WITH_FILTER, PALETTE_FILTER, palette.length - 1),
      ...palette,
      this.#data(palette.length === 2 ? packBits(placed, area.width) : placed),
    ]);
  }

  #data(bytes: Uint8Array): Uint8Array {
    if (bytes.length < SMALLEST) return bytes;
    const compressed = this.#stream.compress(bytes);
    return Buffer.concat([compactLength(compressed.length), compressed]);
  }
}

/** The bytes of a pixel for each colour: red, green and blue where each has eight bits of 32. */
export function encodeTightPalette(format: PixelFormat, palette: readonly Colour[]): readonly Uint8Array[] {
  const { bitsPerPixel, depth, trueColour, red, green, blue } = format;
  const whole = [red, green, blue].every(({ max }) => max === 255);
  if (bitsPerPixel === 32 && depth === 24 && trueColour && whole) {
    return palette.map((colour) => Uint8Array.from(colour));
  }
  return encodePalette(format, palette);
}

function indicesOf(picture: Picture, { x, y, width, height }: Rectangle): Uint8Array {
  const indices = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const start = (y + row) * picture.width + x;
    indices.set(picture.pixels.subarray(start, start + width), row * width);
  }
  return indices;
}

/** A bit for each pixel; every row begins with a byte of its own. */
function packBits(places: Uint8Array, width: number): Uint8Array {
  const stride = Math.ceil(width / 8);
  const packed = new Uint8Array(stride * (places.length / width));
  places.forEach((place, index) => {
    const column = index % width;
    packed[Math.floor(index / width) * stride + (column >> 3)]! |= place << (7 - (column & 7));
  });
  return packed;
}

/** Seven bits to a byte, the lowest first, and eight in the third. */
function compactLength(length: number): Uint8Array {
  if (length < 1 << 7) return Uint8Array.of(length);
  const low = (length & 0x7f) | 0x80;
  if (length < 1 << 14) return Uint8Array.of(low, length >> 7);
  return Uint8Array.of(low, ((length >> 7) & 0x7f) | 0x80, length >> 14);
}
