import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Terminal, TextConsole } from '../../src/console/index.js';

const ESC = '\x1b';

function terminalThatShows(text: string | Uint8Array): Terminal {
  const terminal = new Terminal();
  terminal.write(Buffer.from(text));
  return terminal;
}

function pixels(terminal: Terminal): Uint8Array {
  const console = new TextConsole(terminal);
  console.refresh();
  return console.pixels;
}

/** Pieces of which a guest's output is made, cut anywhere. */
const output = fc
  .array(
    fc.oneof(
      fc.string({ maxLength: 90 }),
      fc.constantFrom(
        '\r\n',
        `${ESC}[1;31;44m`,
        `${ESC}[7m`,
        `${ESC}[4m`,
        `${ESC}[5;9H`,
        `${ESC}7`,
        `${ESC}8`,
      ),
      fc.constantFrom(
        `${ESC}[?3h`,
        `${ESC}[?3l`,
        `${ESC}[?25l`,
        `${ESC}[3;9r`,
        `${ESC}]0;title`,
        `${ESC}[12;`,
        ESC,
      ),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.from(pieces.join('')));

test('a terminal goes on elsewhere as if it had stayed, also from the middle of a sequence', () => {
  fc.assert(
    fc.property(output, output, output, (before, after, other) => {
      const stayed = terminalThatShows(before);
      const moved = terminalThatShows(other);
      const state = stayed.save();
      assert.equal(moved.load(Buffer.concat([state, Buffer.from('keys')])), state.length);
      assert.ok(Buffer.compare(pixels(stayed), pixels(moved)) === 0);
      for (const terminal of [stayed, moved]) terminal.write(after);
      assert.ok(Buffer.compare(pixels(stayed), pixels(moved)) === 0);
      assert.deepEqual(moved.save(), stayed.save());
    }),
  );
});

test('who looks at a terminal sees what was loaded into it', () => {
  const terminal = terminalThatShows('old');
  const console = new TextConsole(terminal);
  console.refresh();
  let stale = 0;
  console.watch({ stale: () => stale++, drawn() {}, resized() {} });
  terminal.load(terminalThatShows(`${ESC}[?3hnew`).save());
  console.refresh();
  assert.deepEqual([stale > 0, console.width, console.text()[0]], [true, 1056, 'new']);
});

test('what is no state of a terminal is refused, and changes nothing', () => {
  const terminal = terminalThatShows('here');
  const state = terminalThatShows('there').save();
  assert.throws(() => terminal.load(state.subarray(0, -1)), /is cut short/);
  assert.throws(() => terminal.load(new Uint8Array(3)), /is cut short/);
  fc.assert(
    fc.property(fc.nat(state.length / 2 - 1), fc.nat(0xffff), (at, value) => {
      const changed = Buffer.from(state);
      changed.writeUInt16BE(value, 2 * at);
      const target = terminalThatShows('here');
      try {
        target.load(changed);
      } catch (error) {
        assert.match((error as Error).message, /terminal/);
        assert.equal(target.screen.text(0), 'here');
        return;
      }
      target.write(Buffer.from(`${ESC}[24;1H\n${'x'.repeat(300)}${ESC}M${ESC}8${ESC}[2J`));
      pixels(target);
    }),
  );
});
