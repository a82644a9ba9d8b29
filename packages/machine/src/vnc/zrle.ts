import type { Rectangle } from '../console/index.js';
import type { Picture } from './encodings.js';
import { tilesOf } from './tiles.js';
import { ZlibStream } from './zlib-stream.js';

const TILE_SIZE = 64;

/**
 * Tiles of 64 by 64 pixels with palettes, compressed by zlib (RFC 6143, 7.7.6). All rectangles of a connection are parts of
 * one zlib stream.
 */
export class ZrleEncoder {
  readonly #stream = new ZlibStream();

  /** @param pixels the bytes of a compact pixel for each colour */
  encode(picture: Picture, area: Rectangle, pixels: readonly Uint8Array[]): Uint8Array {
    const tiles = Buffer.concat(tilesOf(area, TILE_SIZE).map((tile) => encodeTile(picture, tile, pixels)));
    const compressed = this.#stream.compress(tiles);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(compressed.length);
    return Buffer.concat([length, compressed]);
  }
}

/** One colour, or a palette with 1, 2 or 4 bits for each pixel. */
function encodeTile(
  picture: Picture,
  { x, y, width, height }: Rectangle,
  pixels: readonly Uint8Array[],
): Uint8Array {
  const places = new Map<number, number>();
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) {
      const colour = picture.pixels[row * picture.width + column]!;
      if (!places.has(colour)) places.set(colour, places.size);
    }
  }
  const palette = [...places.keys()].map((colour) => pixels[colour]!);
  const head = Buffer.concat([Uint8Array.of(palette.length), ...palette]);
  if (palette.length === 1) return head;
  const bits = palette.length === 2 ? 1 : palette.length <= 4 ? 2 : 4;
  const stride = Math.ceil((width * bits) / 8);
  const packed = new Uint8Array(stride * height);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const place = places.get(picture.pixels[(y + row) * picture.width + x + column]!)!;
      const at = column * bits;
      packed[row * stride + (at >> 3)]! |= place << (8 - bits - (at & 7));
    }
  }
  return Buffer.concat([head, packed]);
}
