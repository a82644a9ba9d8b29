import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { createTestMachine, execute, type TestMachine } from './support/test-machine.js';

let folder: string;
let machine: TestMachine;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'godwit-'));
  machine = await createTestMachine({ name: 'vm1' });
});
after(async () => {
  await machine.close();
  await rm(folder, { recursive: true });
});

const key = (data: string) => ({ type: 'qcode', data });
const rejects = (command: string, args: object, desc: string) =>
  assert.rejects(execute(machine, command, args), { message: desc });

/** What the guest's terminal has in its rows; the embedded guest echoes what is typed. */
const shown = (): string =>
  Array.from({ length: 24 }, (_, row) => machine.machine.hardware.terminal.terminal.screen.text(row)).join(
    '\n',
  );

test('keys that a program presses reach the guest, unless it is stopped', async () => {
  await execute(machine, 'stop');
  await execute(machine, 'send-key', { keys: [key('x')] });
  await rejects('input-send-event', { events: [] }, 'VM not running');
  await execute(machine, 'cont');
  await execute(machine, 'send-key', { keys: [key('shift'), key('h')] });
  await execute(machine, 'send-key', { keys: [{ type: 'number', data: 0x17 }], 'hold-time': 20 });
  await execute(machine, 'human-monitor-command', { 'command-line': 'sendkey shift-1' });
  const press = (name: string, down: boolean) => ({ type: 'key', data: { key: key(name), down } });
  await execute(machine, 'input-send-event', { events: [press('shift', true), press('slash', true)] });
  await machine.clock.advanceUntil(() => shown().includes('?'));
  assert.match(shown(), /Hi!\?/);
  assert.doesNotMatch(shown(), /x/);
  const move = { type: 'rel', data: { axis: 'x', value: 1 } };
  await rejects(
    'input-send-event',
    { events: [press('a', true), move] },
    'Input handler not found for event type rel',
  );
});

test('a picture of the console is taken whether a viewer is there or not, whole every time', async () => {
  const [ppm, png] = [join(folder, 'a.ppm'), join(folder, 'b.png')];
  await execute(machine, 'screendump', { filename: ppm });
  await execute(machine, 'screendump', { filename: png, format: 'png' });
  const first = await readFile(ppm);
  assert.equal(first.toString('latin1', 0, 15), 'P6\n640 400\n255\n');
  assert.equal(first.length, 15 + 640 * 400 * 3);
  const second = await readFile(png);
  const data = second.subarray(second.indexOf('IDAT') + 4, second.length - 16);
  const rows = inflateSync(data);
  const banner = rows.subarray(0, 16 * 641);
  assert.ok(
    banner.some((pixel) => pixel !== 0),
    'the banner is in the second picture as well',
  );
  await rejects('screendump', { filename: ppm, head: 1 }, "'head' must be specified together with 'device'");
  await rejects('screendump', { filename: ppm, device: 'gpu' }, "Device 'gpu' not found");
  const nowhere = join(folder, 'none', 'a');
  await rejects(
    'screendump',
    { filename: nowhere },
    `failed to open file '${nowhere}': No such file or directory`,
  );
});

test('memory is written to a file: what a vCPU sees, or what the machine has', async () => {
  machine.machine.hardware.dma.write(0x1000, Buffer.from('here'));
  const file = join(folder, 'memory');
  await execute(machine, 'memsave', { val: 0x1000, size: 4, filename: file });
  assert.equal((await readFile(file)).toString(), 'here');
  const { size } = machine.machine.hardware.memory;
  machine.machine.hardware.dma.write(size - 2, Buffer.from('ZZ'));
  await execute(machine, 'pmemsave', { val: size - 2, size: 6, filename: file });
  assert.equal((await readFile(file)).toString(), 'ZZ\0\0\0\0');
  await rejects(
    'memsave',
    { val: size - 2, size: 6, filename: file },
    'Invalid addr 0x00000000007ffffe/size 6 specified',
  );
  await rejects(
    'memsave',
    { val: 0, size: 1, filename: file, 'cpu-index': 9 },
    "Parameter 'cpu-index' expects a CPU number",
  );
  await rejects(
    'pmemsave',
    { val: 0, size: -1, filename: file },
    "Parameter 'size' expects a number of bytes",
  );
  await execute(machine, 'human-monitor-command', { 'command-line': `pmemsave 0x1000 2 "${file}"` });
  assert.equal((await stat(file)).size, 2);
});
