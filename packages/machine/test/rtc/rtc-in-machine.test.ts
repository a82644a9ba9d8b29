import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestMachine, execute, type TestMachine } from '../support/test-machine.js';

const line = async (machine: TestMachine, text: string) =>
  String(await execute(machine, 'human-monitor-command', { 'command-line': text }));

test('the ports of the clock are read and written by the human monitor', async () => {
  const machine = await createTestMachine();
  const rows: readonly (readonly [string, string])[] = [
    ['i 0x1ffff', 'portl[0xffff] = 0xffffffff\r\n'],
    ['o /b 0x70 0x0a', ''],
    ['i /b 0x71', 'portb[0x0071] = 0x26\r\n'],
    ['i /b 0x70 . 0x0d', 'portb[0x0071] = 0x80\r\n'],
    ['i /b 0x70.0x0b', 'portb[0x0071] = 0x02\r\n'],
    ['o /h 0x70 0x5540', ''],
    ['i /h 0x70', 'portw[0x0070] = 0x55ff\r\n'],
    // As with x, a size stays until another is given.
    ['i 0x70', 'portw[0x0070] = 0x55ff\r\n'],
    ['i', 'unexpected end of expression\r\nTry "help i" for more information\r\n'],
    ['o /b 0x70', 'unexpected end of expression\r\nTry "help o" for more information\r\n'],
    ['i /b -1', '\'i\' has failed: integer is for 32-bit values\r\nTry "help i" for more information\r\n'],
  ];
  for (const [command, answer] of rows) assert.equal(await line(machine, command), answer, command);
  await machine.close();
});

test('a guest that sets its clock is reported with the object it set, at most once a second', async () => {
  const machine = await createTestMachine();
  const changes: object[] = [];
  machine.client.on('RTC_CHANGE', ({ data }) => changes.push({ ...data }));
  await line(machine, 'o /b 0x70 9');
  await line(machine, 'o /b 0x71 0x30');
  await line(machine, 'o /b 0x71 0x31');
  await line(machine, 'o /b 0x71 0x24');
  await machine.clock.advance(10);
  assert.equal(changes.length, 1);
  await machine.clock.advance(1000);
  const [first, last] = changes as { offset: bigint; 'qom-path': string }[];
  assert.equal(changes.length, 2);
  assert.equal(
    await execute(machine, 'qom-get', { path: first!['qom-path'], property: 'type' }),
    'mc146818rtc',
  );
  const year = 366 * 86_400;
  assert.ok(Number(first!.offset) > 6 * year);
  assert.ok(Math.abs(Number(last!.offset) - year) < 2 * 86_400, 'the last one counts');
  const date = { path: first!['qom-path'], property: 'date' };
  assert.deepEqual(
    { ...((await execute(machine, 'qom-get', date)) as object) },
    { ...((await execute(machine, 'qom-get', { path: '/machine', property: 'rtc-time' })) as object) },
  );
  await machine.close();
});

test('with clock=vm the clock stands while the guest does', async () => {
  const machine = await createTestMachine({
    rtc: { base: 'utc', drivenBy: 'vm', lostTickPolicy: 'discard' },
  });
  const now = () => machine.machine.hardware.rtc.now();
  const start = now();
  await machine.clock.advance(5000);
  await execute(machine, 'stop');
  const stopped = now();
  assert.ok(stopped >= start + 5000);
  await machine.clock.advance(5000);
  assert.equal(now(), stopped);
  await execute(machine, 'cont');
  await machine.clock.advance(2000);
  assert.ok(now() >= stopped + 2000);
  await machine.close();
});
