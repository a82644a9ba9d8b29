import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressView } from '../../src/demo/progress-view.js';
import type { Progress } from '../../src/report/progress.js';
import { Screen } from '../../src/report/screen.js';

const MIB = 2 ** 20;

function progress(status: string, elapsedMs: number, remaining: number): Progress {
  return {
    status,
    elapsedMs,
    ram: {
      total: 512 * MIB,
      remaining: remaining * MIB,
      transferred: 0,
      downtimeBytes: 0,
      rounds: 2,
      dirtyRate: 200 * MIB,
    },
    throughput: 900 * MIB,
    bandwidth: 900 * MIB,
    throttle: 0,
    devices: [{ id: 'nic0', qomPath: '/machine/peripheral/nic0', state: 'pre-copy', transferred: 3 * MIB }],
  };
}

function screen(terminal: { columns: number } | undefined, environment: Record<string, string> = {}) {
  let text = '';
  const output = { write: (more: string) => (text += more), isTTY: terminal !== undefined, ...terminal };
  return { screen: new Screen(output, environment), text: () => text };
}

test('without a terminal there is a line for each phase, and within one every half second', () => {
  const { screen: plain, text } = screen(undefined);
  const view = new ProgressView(plain);
  for (let at = 0; at < 1200; at += 100) view.show(progress('active', at, 256));
  view.show(progress('completed', 1210, 0));
  const lines = text().trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.trim().split(/\s{2,}/)[0]),
    ['0.0 ms', '500 ms', '1.00 s', '1.21 s'],
  );
  assert.ok(lines[0]!.includes('RAM 256 MiB left in pass 2, 900 MiB/s sent, 200 MiB/s dirtied, nic0 3 MiB'));
  assert.ok(!text().includes('\u001b'));
});

test('a guest that is slowed down is told', () => {
  const { screen: plain, text } = screen(undefined);
  new ProgressView(plain).show({ ...progress('active', 0, 256), throttle: 20 });
  assert.ok(text().includes('200 MiB/s dirtied, vCPUs slowed by 20 %'));
});

test('on a terminal the block replaces itself and is gone when lines that stay are printed', () => {
  const { screen: live, text } = screen({ columns: 100 });
  const view = new ProgressView(live);
  view.show(progress('active', 100, 256));
  assert.ok(text().includes('████████████'));
  view.show(progress('active', 200, 128));
  live.print('done');
  assert.equal(text().split('\u001b[3A\u001b[0J').length, 3);
  assert.ok(text().endsWith('\u001b[3A\u001b[0Jdone\n'));
});

test('NO_COLOR, a dumb terminal and a narrow one are respected', () => {
  const colourless = screen({ columns: 100 }, { NO_COLOR: '1' }).screen;
  assert.deepEqual([colourless.live, colourless.colour, colourless.paint('x', 'red')], [true, false, 'x']);
  const dumb = screen({ columns: 100 }, { TERM: 'dumb' }).screen;
  assert.deepEqual([dumb.live, dumb.colour], [false, false]);
  const narrow = screen({ columns: 40 }).screen;
  assert.deepEqual([narrow.live, narrow.colour], [false, true]);
});
