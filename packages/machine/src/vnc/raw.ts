import type { Rectangle } from '../console/index.js';
import type { Picture } from './encodings.js';

/** Pixel after pixel, row after row (RFC 6143, 7.7.1). */
export function encodeRaw(
  picture: Picture,
  { x, y, width, height }: Rectangle,
  pixels: readonly Uint8Array[],
): Uint8Array {
  const size = pixels[0]!.length;
  const bytes = new Uint8Array(width * height * size);
  let to = 0;
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) {
      const pixel = pixels[picture.pixels[row * picture.width + column]!]!;
      for (let index = 0; index < size; index++) bytes[to++] = pixel[index]!;
    }
  }
  return bytes;
}
