import type { Rectangle } from '../console/index.js';

/** The tiles of an area, from left to right and top to bottom; those at the right and the bottom may be smaller. */
export function tilesOf({ x, y, width, height }: Rectangle, size: number): Rectangle[] {
  const tiles: Rectangle[] = [];
  for (let top = 0; top < height; top += size) {
    for (let left = 0; left < width; left += size) {
      tiles.push({
        x: x + left,
        y: y + top,
        width: Math.min(size, width - left),
        height: Math.min(size, height - top),
      });
    }
  }
  return tiles;
}
