import type { Rectangle } from '../console/index.js';

/** The pointer over a text: an upright bar, light with a dark edge. `#` is its ink, `o` its edge. */
const SHAPE = [
  'ooo.ooo',
  'o##o##o',
  'ooo#ooo',
  '..o#o..',
  '..o#o..',
  '..o#o..',
  '..o#o..',
  '..o#o..',
  '..o#o..',
  '..o#o..',
  '..o#o..',
  'ooo#ooo',
  'o##o##o',
  'ooo.ooo',
];

/** The hot spot and the size, as the rectangle of a Cursor pseudo-encoding has them (RFC 6143, 7.8.1). */
export const POINTER_AREA: Rectangle = { x: 3, y: 7, width: SHAPE[0]!.length, height: SHAPE.length };

/** Pixels, then a bit for each that says whether it is part of the shape. */
export function encodePointer(ink: Uint8Array, edge: Uint8Array): Uint8Array {
  const stride = Math.ceil(POINTER_AREA.width / 8);
  const mask = new Uint8Array(stride * POINTER_AREA.height);
  const pixels = SHAPE.flatMap((row, y) =>
    [...row].map((dot, x) => {
      if (dot !== '.') mask[y * stride + (x >> 3)]! |= 0x80 >> (x & 7);
      return dot === '#' ? ink : edge;
    }),
  );
  return Buffer.concat([...pixels, mask]);
}
