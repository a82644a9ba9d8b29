import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VncConfiguration } from '../../src/vnc/index.js';
import { MachinePair } from '../support/machine-pair.js';
import type { TestMachine } from '../support/test-machine.js';

const VNC: readonly VncConfiguration[] = [
  { id: 'default', password: false, share: 'allow-exclusive', connections: 32 },
];

const console = ({ machine }: TestMachine) => machine.vnc!.console;
const rows = (machine: TestMachine) => console(machine).display.text();

test('the console moves with the guest: what it shows, and the keys that the guest has not read', async (context) => {
  const pair = await MachinePair.create(context, {
    devices: [],
    source: { name: 'here', vnc: VNC, startStopped: true },
    destination: { name: 'there', vnc: VNC },
  });
  const { clock, source, destination } = pair;
  source.machine.hardware.terminal.output(Buffer.from('\x1b[1;31mred\x1b[0m\r\n\x1b[?3hwide\r\n'));
  // More than the serial port takes, and the guest that would read it is stopped.
  console(source).type(Buffer.from('a line that is longer than a FIFO'));
  await pair.start();
  await pair.ended();
  assert.deepEqual(rows(destination).slice(0, 24), rows(source).slice(0, 24));
  assert.equal(rows(destination)[0], 'wide');
  assert.match(rows(destination).at(-1)!, /^ there /);
  await destination.client.execute('cont');
  await clock.advance(1000);
  assert.equal(rows(destination)[1], 'a line that is longer than a FIFO');
});

test('one that is moved to a machine without a VNC server is shown by the next that has one', async (context) => {
  const pair = await MachinePair.create(context, { devices: [], source: { vnc: VNC } });
  console(pair.source).type(Buffer.from('typed'));
  await pair.clock.advance(100);
  await pair.start();
  await pair.ended();
  assert.equal(pair.destination.machine.vnc, undefined);
  assert.equal(pair.destination.machine.hardware.terminal.terminal.screen.text(2), 'typed');
});
