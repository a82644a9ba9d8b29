import type { Colour, Rectangle } from '../console/index.js';
import { encodeHextile } from './hextile.js';
import { encodeCompactPalette, encodePalette, type PixelFormat } from './pixel-format.js';
import { encodeRaw } from './raw.js';
import { encodeTightPalette, TightEncoder } from './tight.js';
import { ZrleEncoder } from './zrle.js';

/** A picture of at most 16 colours, one byte for each pixel. */
export interface Picture {
  readonly width: number;
  readonly pixels: Uint8Array;
}

/** Writes the pixels of an area, in the way that the client was told of. */
export type Encoder = (picture: Picture, area: Rectangle) => Uint8Array;

/** Numbers of encodings (RFC 6143, 7.7 and 7.8, and the registry of RFB). */
export const Encoding = {
  RAW: 0,
  HEXTILE: 5,
  TIGHT: 7,
  ZRLE: 16,
  DESKTOP_SIZE: -223,
  CURSOR: -239,
  /** No pixels: the server takes keys with their scan codes. */
  EXTENDED_KEYS: -258,
  /** No pixels: the client would like to switch the machine off and on. */
  POWER_CONTROL: -309,
} as const;

/** Those that carry pixels, and that there are. */
const PIXELS: readonly number[] = [Encoding.RAW, Encoding.HEXTILE, Encoding.TIGHT, Encoding.ZRLE];

/** The encodings of one client: they depend on its pixel format, and zlib streams go on from update to update. */
export class Encoders {
  readonly #tight = new TightEncoder();
  readonly #zrle = new ZrleEncoder();

  /** The first encoding of the client's list that there is; raw, which every client takes, if none. */
  static choose(wanted: readonly number[]): number {
    return wanted.find((each) => PIXELS.includes(each)) ?? Encoding.RAW;
  }

  encoder(encoding: number, format: PixelFormat, palette: readonly Colour[]): Encoder {
    switch (encoding) {
      case Encoding.ZRLE: {
        const pixels = encodeCompactPalette(format, palette);
        return (picture, area) => this.#zrle.encode(picture, area, pixels);
      }
      case Encoding.TIGHT: {
        const pixels = encodeTightPalette(format, palette);
        return (picture, area) => this.#tight.encode(picture, area, pixels);
      }
      case Encoding.HEXTILE: {
        const pixels = encodePalette(format, palette);
        return (picture, area) => encodeHextile(picture, area, pixels);
      }
      default: {
        const pixels = encodePalette(format, palette);
        return (picture, area) => encodeRaw(picture, area, pixels);
      }
    }
  }
}
