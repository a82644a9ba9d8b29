import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryTransports } from '@godwit/qmp';
import fc from 'fast-check';
import type { Colour, Rectangle } from '../../src/console/index.js';
import { PALETTE } from '../../src/console/palette.js';
import { Encoders, Encoding } from '../../src/vnc/encodings.js';
import {
  DEFAULT_FORMAT,
  encodePalette,
  type PixelFormat,
  readPixelFormat,
  writePixelFormat,
} from '../../src/vnc/pixel-format.js';
import { TestViewer } from './viewer.js';

const RGB565: PixelFormat = {
  bitsPerPixel: 16,
  depth: 16,
  bigEndian: false,
  trueColour: true,
  red: { max: 31, shift: 11 },
  green: { max: 63, shift: 5 },
  blue: { max: 31, shift: 0 },
};

const FORMATS: readonly PixelFormat[] = [
  DEFAULT_FORMAT,
  { ...DEFAULT_FORMAT, bigEndian: true },
  {
    ...DEFAULT_FORMAT,
    red: { max: 255, shift: 24 },
    green: { max: 255, shift: 16 },
    blue: { max: 255, shift: 8 },
  },
  { ...DEFAULT_FORMAT, depth: 32 },
  RGB565,
  { ...RGB565, bigEndian: true },
  {
    ...RGB565,
    bitsPerPixel: 8,
    depth: 8,
    red: { max: 7, shift: 0 },
    green: { max: 7, shift: 3 },
    blue: { max: 3, shift: 6 },
  },
  { ...DEFAULT_FORMAT, bitsPerPixel: 8, depth: 8, trueColour: false },
];

const ENCODINGS = [Encoding.RAW, Encoding.HEXTILE, Encoding.TIGHT, Encoding.ZRLE];

/** Pictures with areas of few and of many colours, as text on coloured ground has. */
const picture = fc
  .record({
    width: fc.integer({ min: 1, max: 150 }),
    height: fc.integer({ min: 1, max: 90 }),
    colours: fc.integer({ min: 1, max: 16 }),
    seed: fc.integer({ min: 1, max: 0x7ffffffe }),
    calm: fc.constantFrom(1, 5, 60),
  })
  .map(({ width, height, colours, seed, calm }) => {
    let state = seed;
    const next = () => (state = (state * 48271) % 0x7fffffff);
    const pixels = new Uint8Array(width * height);
    let colour = 0;
    for (let index = 0; index < pixels.length; index++) {
      if (next() % calm === 0) colour = next() % colours;
      pixels[index] = colour;
    }
    return { width, height, pixels };
  });

test('whatever the encoding and the pixel format, a viewer sees the same picture', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(picture, { minLength: 1, maxLength: 3 }),
      fc.constantFrom(...ENCODINGS),
      fc.constantFrom(...FORMATS),
      async (pictures, encoding, format) => {
        const [near, far] = createMemoryTransports();
        near.start({ data() {}, drain() {}, ended() {}, closed() {} });
        const viewer = new TestViewer(far);
        viewer.format = format;
        const encoder = new Encoders().encoder(encoding, format, PALETTE);
        const expected = encodePalette(format, PALETTE).map((bytes) => {
          const buffer = Buffer.from(bytes);
          return format.bigEndian ? buffer.readUIntBE(0, bytes.length) : buffer.readUIntLE(0, bytes.length);
        });
        for (const each of pictures) {
          const area = { x: each.width >> 2, y: each.height >> 2, width: 0, height: 0 };
          const inner: Rectangle = { ...area, width: each.width - area.x, height: each.height - area.y };
          near.write(Buffer.concat([head(inner, encoding), encoder(each, inner)]));
          const [received] = await viewer.update();
          const wanted: number[] = [];
          for (let y = inner.y; y < each.height; y++) {
            for (let x = inner.x; x < each.width; x++)
              wanted.push(expected[each.pixels[y * each.width + x]!]!);
          }
          assert.deepEqual(received!.pixels, wanted);
        }
        assert.equal(viewer.available, 0);
      },
    ),
    { numRuns: 80 },
  );
});

function head({ x, y, width, height }: Rectangle, encoding: number): Uint8Array {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16BE(1, 2);
  [x, y, width, height].forEach((value, index) => {
    bytes.writeUInt16BE(value, 4 + 2 * index);
  });
  bytes.writeInt32BE(encoding, 12);
  return bytes;
}

test('colours come out as their channels allow', () => {
  const palette: Colour[] = [
    [255, 255, 255],
    [255, 0, 128],
  ];
  assert.deepEqual(
    encodePalette(RGB565, palette).map((bytes) => [...bytes]),
    [
      [0xff, 0xff],
      [0x10, 0xf8],
    ],
  );
  assert.deepEqual([...encodePalette(DEFAULT_FORMAT, palette)[1]!], [128, 0, 255, 0]);
});

test('a pixel format comes back as it was written, and impossible ones are refused', () => {
  for (const format of FORMATS)
    assert.deepEqual(readPixelFormat(Buffer.from(writePixelFormat(format))), format);
  const spoilt = (at: number, ...bytes: number[]) => {
    const written = Buffer.from(writePixelFormat(DEFAULT_FORMAT));
    written.set(bytes, at);
    return () => readPixelFormat(written);
  };
  assert.throws(spoilt(0, 24), /pixels of 24 bits/);
  assert.throws(spoilt(4, 0, 200), /a colour of 0 to 200 at bit 16 of 32/);
  assert.throws(spoilt(10, 25), /a colour of 0 to 255 at bit 25 of 32/);
});

test('the first encoding of the list that there is, is taken; raw if none', () => {
  assert.equal(Encoders.choose([7, 16, 5]), Encoding.TIGHT);
  assert.equal(Encoders.choose([6, 16, 5]), Encoding.ZRLE);
  assert.equal(Encoders.choose([5, 16]), Encoding.HEXTILE);
  assert.equal(Encoders.choose([0, 16]), Encoding.RAW);
  assert.equal(Encoders.choose([6, -239]), Encoding.RAW);
});
