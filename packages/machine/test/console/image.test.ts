import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, inflateSync } from 'node:zlib';
import { encodePng, encodePpm } from '../../src/console/image.js';
import type { Colour } from '../../src/console/index.js';

const palette: readonly Colour[] = [
  [0, 0, 0],
  [255, 128, 1],
];
const picture = { width: 3, height: 2, pixels: Uint8Array.of(0, 1, 0, 1, 1, 0), palette };

test('a picture becomes a PPM file', () => {
  const [black, orange] = ['000000', 'ff8001'];
  assert.equal(
    Buffer.from(encodePpm(picture)).toString('hex'),
    `${Buffer.from('P6\n3 2\n255\n').toString('hex')}${black}${orange}${black}${orange}${orange}${black}`,
  );
});

test('a picture becomes a PNG file', () => {
  const file = Buffer.from(encodePng(picture));
  assert.equal(file.toString('latin1', 0, 8), '\x89PNG\r\n\x1a\n');
  const chunks = new Map<string, Buffer>();
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at);
    const body = file.subarray(at + 4, at + 8 + length);
    assert.equal(file.readUInt32BE(at + 8 + length), crc32(body));
    chunks.set(body.toString('latin1', 0, 4), body.subarray(4));
    at += 12 + length;
  }
  assert.deepEqual([...chunks.keys()], ['IHDR', 'PLTE', 'IDAT', 'IEND']);
  assert.deepEqual([...chunks.get('IHDR')!], [0, 0, 0, 3, 0, 0, 0, 2, 8, 3, 0, 0, 0]);
  assert.deepEqual([...chunks.get('PLTE')!], palette.flat());
  assert.deepEqual([...inflateSync(chunks.get('IDAT')!)], [0, 0, 1, 0, 0, 1, 1, 0]);
});
