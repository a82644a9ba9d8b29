import { crc32, deflateSync } from 'node:zlib';
import type { Display } from './display.js';

type Picture = Pick<Display, 'width' | 'height' | 'pixels' | 'palette'>;

/** A picture as a PPM file (P6): red, green and blue of each pixel. */
export function encodePpm({ width, height, pixels, palette }: Picture): Uint8Array {
  const colours = Buffer.alloc(3 * pixels.length);
  pixels.forEach((pixel, index) => {
    colours.set(palette[pixel]!, 3 * index);
  });
  return Buffer.concat([Buffer.from(`P6\n${width} ${height}\n255\n`), colours]);
}

const PNG_SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
/** Of a byte for each pixel, an index into the palette. */
const PNG_INDEXED = Uint8Array.of(8, 3, 0, 0, 0);

/** A picture as a PNG file (ISO 15948) with a palette. */
export function encodePng({ width, height, pixels, palette }: Picture): Uint8Array {
  const size = Buffer.alloc(8);
  size.writeUInt32BE(width, 0);
  size.writeUInt32BE(height, 4);
  // Each row begins with its filter: none.
  const rows = Buffer.alloc((width + 1) * height);
  for (let row = 0; row < height; row++) {
    rows.set(pixels.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
  }
  return Buffer.concat([
    PNG_SIGNATURE,
    chunk('IHDR', Buffer.concat([size, PNG_INDEXED])),
    chunk('PLTE', Uint8Array.from(palette.flat())),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
