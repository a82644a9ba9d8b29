import type { Rectangle } from '../console/index.js';

/** Rows of pixels that are kept track of together: those of a line of text. */
const BAND_HEIGHT = 16;

/** The parts of a picture that a client has not seen yet: for each band of 16 rows, from which column to which. */
export class Damage {
  #width: number;
  #height: number;
  #spans: { from: number; to: number }[] = [];

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.resize(width, height);
  }

  get empty(): boolean {
    return this.#spans.every(({ from, to }) => from >= to);
  }

  /** The picture has another size, and nobody has seen any of it. */
  resize(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
    this.#spans = Array.from({ length: Math.ceil(height / BAND_HEIGHT) }, () => ({ from: 0, to: width }));
  }

  /** What lies outside the picture is left out. */
  add({ x, y, width, height }: Rectangle): void {
    const from = Math.min(x, this.#width);
    const to = Math.min(x + width, this.#width);
    if (from >= to || height === 0) return;
    const last = Math.min(Math.ceil((y + height) / BAND_HEIGHT), this.#spans.length);
    for (let band = Math.floor(y / BAND_HEIGHT); band < last; band++) {
      const span = this.#spans[band]!;
      if (span.from >= span.to) {
        span.from = from;
        span.to = to;
      } else {
        span.from = Math.min(span.from, from);
        span.to = Math.max(span.to, to);
      }
    }
  }

  /** Rectangles that cover all of it; from then on there is none. */
  take(): Rectangle[] {
    const areas: Rectangle[] = [];
    this.#spans.forEach((span, band) => {
      const { from, to } = span;
      span.from = span.to = 0;
      if (from >= to) return;
      const y = band * BAND_HEIGHT;
      const height = Math.min(BAND_HEIGHT, this.#height - y);
      const above = areas.at(-1);
      if (
        above !== undefined &&
        above.x === from &&
        above.width === to - from &&
        above.y + above.height === y
      ) {
        areas[areas.length - 1] = { ...above, height: above.height + height };
      } else areas.push({ x: from, y, width: to - from, height });
    });
    return areas;
  }
}
