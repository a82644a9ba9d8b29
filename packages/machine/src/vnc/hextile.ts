import type { Rectangle } from '../console/index.js';
import type { Picture } from './encodings.js';
import { encodeRaw } from './raw.js';
import { tilesOf } from './tiles.js';

const TILE_SIZE = 16;
const MAX_SUBRECTANGLES = 255;

/** Bits of the byte that a tile begins with. */
const Tile = { RAW: 1, BACKGROUND: 2, FOREGROUND: 4, SUBRECTANGLES: 8, COLOURED: 16 } as const;

/** Tiles of 16 by 16 pixels, each a background with rectangles on it, or raw (RFC 6143, 7.7.4). */
export function encodeHextile(picture: Picture, area: Rectangle, pixels: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(tilesOf(area, TILE_SIZE).flatMap((tile) => encodeTile(picture, tile, pixels)));
}

function encodeTile(picture: Picture, tile: Rectangle, pixels: readonly Uint8Array[]): Uint8Array[] {
  const counts = countColours(picture, tile);
  const [[background] = [0], ...others] = [...counts].sort(([, a], [, b]) => b - a);
  const back = pixels[background]!;
  if (others.length === 0) return [Uint8Array.of(Tile.BACKGROUND), back];
  const rectangles = rectanglesOn(picture, tile, background);
  const coloured = others.length > 1;
  const size = rectangles.length * (2 + (coloured ? back.length : 0));
  if (rectangles.length > MAX_SUBRECTANGLES || size >= tile.width * tile.height * back.length) {
    return [Uint8Array.of(Tile.RAW), encodeRaw(picture, tile, pixels)];
  }
  const flags = Tile.BACKGROUND | Tile.SUBRECTANGLES | (coloured ? Tile.COLOURED : Tile.FOREGROUND);
  return [
    Uint8Array.of(flags),
    back,
    ...(coloured ? [] : [pixels[others[0]![0]]!]),
    Uint8Array.of(rectangles.length),
    ...rectangles.flatMap(({ x, y, width, height, colour }) => [
      ...(coloured ? [pixels[colour]!] : []),
      Uint8Array.of((x << 4) | y, ((width - 1) << 4) | (height - 1)),
    ]),
  ];
}

function countColours(picture: Picture, { x, y, width, height }: Rectangle): Map<number, number> {
  const counts = new Map<number, number>();
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) {
      const colour = picture.pixels[row * picture.width + column]!;
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
  }
  return counts;
}

interface ColouredRectangle extends Rectangle {
  readonly colour: number;
}

/** Rectangles of one colour that cover everything but the background; places are relative to the tile. */
function rectanglesOn(
  picture: Picture,
  { x, y, width, height }: Rectangle,
  background: number,
): ColouredRectangle[] {
  const colourAt = (column: number, row: number) => picture.pixels[(y + row) * picture.width + x + column]!;
  const covered = new Uint8Array(width * height);
  const rectangles: ColouredRectangle[] = [];
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const colour = colourAt(column, row);
      if (colour === background || covered[row * width + column] !== 0) continue;
      let right = column + 1;
      while (right < width && colourAt(right, row) === colour && covered[row * width + right] === 0) right++;
      let bottom = row + 1;
      const same = (at: number) => {
        for (let each = column; each < right; each++) if (colourAt(each, at) !== colour) return false;
        return true;
      };
      while (bottom < height && same(bottom)) bottom++;
      for (let at = row; at < bottom; at++) covered.fill(1, at * width + column, at * width + right);
      rectangles.push({ x: column, y: row, width: right - column, height: bottom - row, colour });
    }
  }
  return rectangles;
}
