import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Rectangle, Terminal, TextConsole } from '../../src/console/index.js';

const ESC = '\x1b';

function shown(text: string): string[] {
  const terminal = new Terminal();
  const console = new TextConsole(terminal);
  terminal.write(Buffer.from(text));
  const rows = console.text().slice(0, 24);
  while (rows.at(-1) === '') rows.pop();
  return rows;
}

const ROWS: readonly (readonly [string, string, readonly string[]])[] = [
  ['text and new lines', 'one\r\ntwo', ['one', 'two']],
  ['a line feed alone keeps the column', 'one\ntwo', ['one', '   two']],
  ['carriage return writes over', 'hello\rJ', ['Jello']],
  ['backspace goes back without erasing', 'ab\b\bX', ['Xb']],
  ['tabs go to the next multiple of eight', 'a\tb\tc', ['a       b       c']],
  ['a long line goes on in the next row', 'x'.repeat(81), ['x'.repeat(80), 'x']],
  ['a full line and a new line make one row', `${'x'.repeat(80)}\r\ny`, ['x'.repeat(80), 'y']],
  ['the cursor goes where it is told', `${ESC}[2;3Hx${ESC}[1;1Hy`, ['y', '  x']],
  ['movements stop at the edges', `${ESC}[99A${ESC}[99Dx${ESC}[99Cy`, [`x${' '.repeat(78)}y`]],
  ['erases to the end of the line', `hello${ESC}[3D${ESC}[K`, ['he']],
  ['erases the start of the line', `hello${ESC}[3D${ESC}[1K`, ['   lo']],
  ['erases below', `a\r\nb\r\nc${ESC}[2;1H${ESC}[J`, ['a']],
  ['erases all', `a\r\nb${ESC}[2J`, []],
  ['erases characters', `hello\r${ESC}[2X`, ['  llo']],
  ['inserts characters', `hello\r${ESC}[2@`, ['  hello']],
  ['deletes characters', `hello\r${ESC}[2P`, ['llo']],
  ['inserts lines', `a\r\nb${ESC}[1;1H${ESC}[L`, ['', 'a', 'b']],
  ['deletes lines', `a\r\nb\r\nc${ESC}[1;1H${ESC}[2M`, ['c']],
  ['scrolls in a region only', `1\r\n2\r\n3${ESC}[1;2r${ESC}[2;1H\n`, ['2', '', '3']],
  ['reverse line feed scrolls down', `1\r\n2${ESC}[H${ESC}M`, ['', '1', '2']],
  ['saves and restores the cursor', `ab${ESC}7\r\ncd${ESC}8X`, ['abX', 'cd']],
  ['colours leave no trace in the text', `${ESC}[1;31mred${ESC}[38;5;99mx${ESC}[0m`, ['redx']],
  ['titles and strings are left out', `${ESC}]0;title\x07a${ESC}Pxyz${ESC}\\b`, ['ab']],
  ['unknown sequences are left out', `${ESC}[?1049h${ESC}[5q${ESC}(Ba`, ['a']],
  ['a cancelled sequence is no more', `${ESC}[12\x18a`, ['a']],
  ['one box for each character beyond ASCII', 'ä€😀', ['\x7f\x7f\x7f']],
];

test('the screen shows what a VT100 shows', () => {
  for (const [name, input, expected] of ROWS) assert.deepEqual(shown(input), expected, name);
});

test('the screen scrolls when the last row is left', () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  assert.deepEqual(shown(lines.join('\r\n')), lines.slice(6));
});

test('132 columns make the picture wider, and a reset makes it narrow again', () => {
  const terminal = new Terminal();
  const console = new TextConsole(terminal);
  const seen: string[] = [];
  console.watch({ stale() {}, drawn: () => seen.push('drawn'), resized: () => seen.push('resized') });
  console.refresh();
  seen.length = 0;
  terminal.write(Buffer.from(`${ESC}[?3h`));
  console.refresh();
  assert.deepEqual([console.width, console.height, console.pixels.length], [1056, 400, 1056 * 400]);
  terminal.write(Buffer.from(`${ESC}c`));
  console.refresh();
  assert.deepEqual([console.width, console.pixels.length, seen], [640, 640 * 400, ['resized', 'resized']]);
});

/** Text, sequences that move, erase, scroll and colour, and any bytes at all. */
const output = fc.array(
  fc.oneof(
    fc.string({ maxLength: 100 }).map((text) => Buffer.from(text)),
    fc
      .tuple(
        fc.array(fc.nat(200), { maxLength: 3 }),
        fc.constantFrom(...'ABCDEFGHJKLMPXdfmrsu@', '?25h', '?25l', '?3h', '?3l'),
      )
      .map(([numbers, final]) => Buffer.from(`${ESC}[${final.length > 1 ? '' : numbers.join(';')}${final}`)),
    fc.constantFrom('\r', '\n', '\b', '\t', `${ESC}M`, `${ESC}D`, `${ESC}c`).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes)),
  ),
  { maxLength: 30 },
);

/** The pixels of a console to which all of that was written before it was drawn. */
function pictureOf(chunks: readonly Uint8Array[]): Uint8Array {
  const terminal = new Terminal();
  for (const chunk of chunks) terminal.write(chunk);
  const console = new TextConsole(terminal);
  console.refresh();
  return console.pixels;
}

/**
 * Writes in steps, with a look at the picture after each: what was told to be drawn must hold every pixel that differs,
 * and the picture must be the one that is drawn at once from all that was written.
 */
function checkSteps(steps: readonly (readonly Uint8Array[])[]): void {
  const terminal = new Terminal();
  const console = new TextConsole(terminal);
  const written: Uint8Array[] = [];
  let areas: Rectangle[] = [];
  let resized = false;
  console.watch({
    stale() {},
    drawn: (area) => areas.push(area),
    resized: () => {
      resized = true;
    },
  });
  console.refresh();
  for (const chunks of steps) {
    const before = console.pixels.slice();
    areas = [];
    resized = false;
    for (const chunk of chunks) terminal.write(chunk);
    console.refresh();
    const { width, height, pixels } = console;
    written.push(...chunks);
    assert.ok(Buffer.compare(pictureOf(written), pixels) === 0, 'the picture is not what was written');
    if (resized) continue;
    for (const area of areas) {
      assert.ok(area.x + area.width <= width && area.y + area.height <= height, 'an area outside');
      for (let row = area.y; row < area.y + area.height; row++) {
        const at = row * width + area.x;
        before.set(pixels.subarray(at, at + area.width), at);
      }
    }
    assert.ok(Buffer.compare(before, pixels) === 0, 'a change outside the areas');
  }
}

test('the areas that are told to be drawn hold every pixel that differs', () => {
  fc.assert(fc.property(fc.array(output, { maxLength: 4 }), checkSteps), { numRuns: 60 });
});

const STEPS: readonly (readonly [string, readonly string[]])[] = [
  ['132 columns and back, with the cursor beyond the 80th', [`${ESC}[?3h${ESC}[0;81H${ESC}c`]],
  ['132 columns and back by the mode', [`${ESC}[?3h${ESC}[9;132H`, `x${ESC}[?3l`, 'y']],
  ['the cursor leaves the end of a full row', ['x'.repeat(80), 'y']],
  ['the cursor leaves the end of the last row', [`${ESC}[24;1H${'x'.repeat(80)}`, 'y']],
  ['the cursor is hidden and shown', [`ab${ESC}[?25l`, 'c', `${ESC}[?25h`]],
];

test('no trace of the cursor stays, and no area is outside the picture', () => {
  for (const [name, steps] of STEPS) {
    assert.doesNotThrow(() => checkSteps(steps.map((step) => [Buffer.from(step)])), name);
  }
});

test('it does not matter in which pieces the output comes', () => {
  fc.assert(
    fc.property(output, (chunks) => {
      const all = Buffer.concat(chunks);
      const bytewise = [...all].map((byte) => Uint8Array.of(byte));
      assert.ok(Buffer.compare(pictureOf(bytewise), pictureOf([all])) === 0);
    }),
    { numRuns: 100 },
  );
});

test('the cursor is a block that can be hidden, and the status line is below the text', () => {
  const terminal = new Terminal();
  const console = new TextConsole(terminal);
  console.refresh();
  const [background] = console.pixels.subarray(8, 9);
  assert.notEqual(console.pixels[0], background);
  terminal.write(Buffer.from(`${ESC}[?25l`));
  console.setStatus('x'.repeat(200));
  console.refresh();
  assert.equal(console.pixels[0], background);
  assert.notEqual(console.pixels[24 * 16 * 640], background);
});
