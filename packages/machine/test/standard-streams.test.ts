import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { standardTransport } from '../src/chardev/standard-streams.js';
import { InteractiveMonitor } from '../src/human-monitor/interactive-monitor.js';
import { createTestMachine } from './support/test-machine.js';

class Terminal extends PassThrough {
  readonly isTTY = true;
  readonly modes: boolean[] = [];

  setRawMode(raw: boolean): void {
    this.modes.push(raw);
  }
}

test('a terminal hands on every key until the end; Control-C is for the machine, or for the guest', async () => {
  const clock = new VirtualClock();
  for (const signal of [true, false]) {
    const input = new Terminal();
    let interrupts = 0;
    let received = '';
    const onInterrupt = signal ? () => interrupts++ : undefined;
    const transport = standardTransport({ input, output: new PassThrough() }, onInterrupt);
    assert.deepEqual(input.modes, [true]);
    transport.start({
      data: (chunk) => {
        received += Buffer.from(chunk).toString();
      },
      drain: () => {},
      ended: () => {},
      closed: () => {},
    });
    input.write('a\x03b');
    await clock.advanceUntil(() => received.endsWith('b'));
    assert.equal(received, signal ? 'ab' : 'a\x03b');
    assert.equal(interrupts, signal ? 1 : 0);
    transport.end();
    assert.equal(input.modes[1], false);
  }
});

test('a monitor lets go of the terminal when the machine is closed', async () => {
  const machine = await createTestMachine();
  const input = new Terminal();
  const output = new PassThrough();
  const monitor = new InteractiveMonitor('human', machine.machine);
  const ended = monitor.attach(standardTransport({ input, output }, undefined));
  monitor.close();
  assert.equal(await ended, undefined);
  assert.equal(input.modes.at(-1), false);
  assert(input.destroyed);
  await machine.close();
});
