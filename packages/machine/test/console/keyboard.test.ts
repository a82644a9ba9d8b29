import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Keyboard } from '../../src/console/keyboard.js';
import { protocol } from '../../src/generated/index.js';

/** What a terminal gets of keys that are pressed and let go: `+shift` holds one, `-shift` lets it go. */
function typed(...steps: string[]): string {
  let text = '';
  const keyboard = new Keyboard((bytes) => {
    text += Buffer.from(bytes).toString();
  });
  for (const step of steps) {
    if (/^[+-]\w/.test(step)) keyboard.press(step.slice(1), step.startsWith('+'));
    else {
      keyboard.press(step, true);
      keyboard.press(step, false);
    }
  }
  return text;
}

const ROWS: readonly (readonly [steps: readonly string[], text: string])[] = [
  [['h', 'i', 'spc', '1', 'dot', 'ret'], 'hi 1.\r'],
  [['+shift', 'h', '1', 'slash', '-shift', 'h'], 'H!?h'],
  [['+shift', '+shift_r', '-shift', 'a', '-shift_r', 'a'], 'Aa'],
  [['caps_lock', 'a', '1', '+shift', 'a', '1', '-shift', 'caps_lock', 'a'], 'A1a!a'],
  [['+ctrl', 'c', '-ctrl', 'c'], '\x03c'],
  [['+ctrl', '+shift', '6', '-shift', '-ctrl'], '\x1e'],
  [['+alt', 'x', '-alt'], '\x1bx'],
  [['tab', '+shift', 'tab', '-shift'], '\t\x1b[Z'],
  [['f1', 'f11', 'up', 'delete', 'kp_5', 'kp_enter'], '\x1b[11~\x1b[23~\x1b[A\x1b[3~5\r'],
  [['less', 'backslash', 'apostrophe', '+shift', 'apostrophe'], '<\\\'"'],
  [['power', 'volumeup', 'unmapped', 'nonsense'], ''],
];

test('keys type what is printed on them, with Shift, Caps Lock, Ctrl and Alt', () => {
  for (const [steps, text] of ROWS) assert.equal(typed(...steps), text, steps.join(' '));
});

test('keys have the numbers of scan code set 1', () => {
  const names = [1, 2, 0x1e, 0x1c, 0x9c, 0x2a, 0x37, 0xc8, 0x58, 0x57, 0xff].map((number) =>
    Keyboard.named(number),
  );
  assert.deepEqual(names, [
    'esc',
    '1',
    'a',
    'ret',
    'kp_enter',
    'shift',
    'kp_multiply',
    'up',
    'f12',
    'f11',
    undefined,
  ]);
});

test('every key that has a number is one of the schema', () => {
  const { QKeyCode: type } = protocol.types;
  assert.ok(type?.kind === 'enum');
  for (let number = 0; number < 256; number++) {
    const name = Keyboard.named(number);
    assert.ok(name === undefined || type.values.includes(name), name);
  }
});
