import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Keys } from '../../src/console/index.js';

const CONTROL = 0xffe3;
const ALT = 0xffe9;

function typed(...keysyms: number[]): string {
  const keys = new Keys();
  return Buffer.concat(keysyms.map((keysym) => keys.press(keysym, true))).toString();
}

const ROWS: readonly (readonly [string, readonly number[], string])[] = [
  ['a letter', [0x61], 'a'],
  ['a capital, as the viewer has shifted it', [0x41], 'A'],
  ['a letter beyond ASCII', [0xe4], 'ä'],
  ['a character of Unicode', [0x0100_20ac], '€'],
  ['half of a surrogate pair', [0x0100_d800], ''],
  ['beyond Unicode', [0x0111_0000], ''],
  ['Enter', [0xff0d], '\r'],
  ['Enter of the keypad', [0xff8d], '\r'],
  ['Backspace', [0xff08], '\x7f'],
  ['Tab', [0xff09], '\t'],
  ['Escape', [0xff1b], '\x1b'],
  ['cursor up', [0xff52], '\x1b[A'],
  ['Delete', [0xffff], '\x1b[3~'],
  ['F1', [0xffbe], '\x1b[11~'],
  ['F12', [0xffc9], '\x1b[24~'],
  ['keypad 0', [0xffb0], '0'],
  ['keypad 9', [0xffb9], '9'],
  ['keypad /', [0xffaf], '/'],
  ['Ctrl-C', [CONTROL, 0x63], '\x03'],
  ['Ctrl-[', [CONTROL, 0x5b], '\x1b'],
  ['Ctrl-Space', [CONTROL, 0x20], '\0'],
  ['Ctrl-1', [CONTROL, 0x31], '1'],
  ['Alt-x', [ALT, 0x78], '\x1bx'],
  ['Shift', [0xffe1], ''],
];

test('keys send what the keyboard of a terminal sends', () => {
  for (const [name, keysyms, expected] of ROWS) assert.equal(typed(...keysyms), expected, name);
});

test('a modifier counts until it is let go, and keys that go up send nothing', () => {
  const keys = new Keys();
  keys.press(CONTROL, true);
  assert.deepEqual([...keys.press(0x61, true)], [1]);
  assert.deepEqual([...keys.press(0x61, false)], []);
  keys.press(CONTROL, false);
  assert.deepEqual([...keys.press(0x61, true)], [0x61]);
});

test('any keysym is taken, and none sends more than a few bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.boolean())), (presses) => {
      const keys = new Keys();
      for (const [keysym, down] of presses) assert.ok(keys.press(keysym, down).length <= 6);
    }),
  );
});
