import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GLYPH_HEIGHT, glyphRow } from '../../src/console/font.js';

const glyph = (code: number): string =>
  Array.from({ length: GLYPH_HEIGHT }, (_, y) => glyphRow(code, y).toString(2).padStart(8, '0')).join('\n');

test('every printable character looks different from every other', () => {
  const seen = new Map<string, string>();
  for (let code = 0x20; code <= 0x7e; code++) {
    const look = glyph(code);
    assert.equal(seen.get(look), undefined, `${String.fromCharCode(code)} looks like ${seen.get(look)}`);
    seen.set(look, String.fromCharCode(code));
  }
});

test('characters keep clear of their neighbours, left and right and above', () => {
  for (let code = 0x20; code <= 0x7f; code++) {
    for (let y = 0; y < GLYPH_HEIGHT; y++) assert.equal(glyphRow(code, y) & 0x81, 0, `code ${code}`);
    assert.deepEqual([glyphRow(code, 0), glyphRow(code, 1), glyphRow(code, 15)], [0, 0, 0]);
  }
});

test('capitals and digits stand on one line and are equally tall', () => {
  for (const character of 'ABCDEFGHIJKLMNOPRSTUVWXYZ0123456789') {
    const code = character.charCodeAt(0);
    const inked = Array.from({ length: GLYPH_HEIGHT }, (_, y) => y).filter((y) => glyphRow(code, y) !== 0);
    assert.deepEqual([inked[0], inked.at(-1)], [2, 11], character);
  }
});

test('what has no glyph is a box', () => {
  const box = glyph(0x7f);
  assert.notEqual(box, glyph(0x20));
  for (const code of [0, 0x1f, 0x80, 0xff]) assert.equal(glyph(code), box);
});
