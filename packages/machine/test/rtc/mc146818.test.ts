import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { portsOf } from '../../src/guest/guest-ports.js';
import { setClock } from '../../src/guest/set-clock.js';
import { Bus } from '../../src/memory/bus.js';
import { Mc146818 } from '../../src/rtc/mc146818.js';
import { parseRtcDate, RtcReference, type RtcReferenceOptions } from '../../src/rtc/reference.js';
import { RTC_PORT, RTC_PORTS, RtcRegister, RtcStatusB } from '../../src/rtc/registers.js';

const START = Date.UTC(2024, 1, 28, 23, 59, 50);

function machine(options: Partial<RtcReferenceOptions> = {}, clock = new VirtualClock(START * 1000)) {
  const changes: number[] = [];
  const rtc = new Mc146818({
    reference: new RtcReference({ clock, ...options }),
    onChange: (offset) => changes.push(offset),
  });
  const bus = new Bus();
  bus.attach('port', RTC_PORT, RTC_PORTS, rtc, 'rtc');
  const read = (register: number): number => {
    const byte = new Uint8Array(1);
    bus.write('port', RTC_PORT, Uint8Array.of(register));
    bus.read('port', RTC_PORT + 1, byte);
    return byte[0]!;
  };
  const write = (register: number, value: number): void => {
    bus.write('port', RTC_PORT, Uint8Array.of(register));
    bus.write('port', RTC_PORT + 1, Uint8Array.of(value));
  };
  const time = () =>
    [
      RtcRegister.CENTURY,
      RtcRegister.YEAR,
      RtcRegister.MONTH,
      RtcRegister.DAY_OF_MONTH,
      RtcRegister.HOURS,
      RtcRegister.MINUTES,
      RtcRegister.SECONDS,
    ]
      .map((register) => read(register).toString(16).padStart(2, '0'))
      .join(' ');
  return { clock, rtc, bus, changes, read, write, time };
}

test('the clock runs from the host’s time, in BCD, over the end of a leap day’s eve', async () => {
  const { clock, time, read } = machine();
  assert.equal(time(), '20 24 02 28 23 59 50');
  await clock.advance(10_000);
  assert.equal(time(), '20 24 02 29 00 00 00');
  assert.equal(read(RtcRegister.DAY_OF_WEEK), 5);
  assert.equal(read(RtcRegister.CENTURY_PS2), 0x20);
});

test('a guest that sets the time with updates off reports one change, as an offset in seconds', async () => {
  const { clock, bus, changes, time } = machine();
  setClock(portsOf(bus), new Date(START + 3600_000));
  assert.deepEqual(changes, [3600]);
  await clock.advance(5000);
  assert.equal(time(), '20 24 02 29 00 59 55');
  setClock(portsOf(bus), new Date(Date.UTC(1999, 11, 31, 12, 0, 0)));
  assert.equal(time(), '19 99 12 31 12 00 00');
  assert.equal(changes[1], (Date.UTC(1999, 11, 31, 12, 0, 0) - START) / 1000 - 5);
});

test('each time register written while the clock runs is a change of its own', () => {
  const { changes, write } = machine();
  write(RtcRegister.MINUTES, 0x30);
  write(RtcRegister.HOURS, 0x22);
  assert.deepEqual(changes, [-29 * 60, -29 * 60 - 3600]);
});

test('while the guest holds the clock it stands, and goes on from what was set', async () => {
  const { clock, write, read, time, changes } = machine();
  const statusB = read(RtcRegister.STATUS_B);
  write(RtcRegister.STATUS_B, statusB | RtcStatusB.SET);
  write(RtcRegister.SECONDS, 0x05);
  await clock.advance(20_000);
  assert.equal(time(), '20 24 02 28 23 59 05');
  assert.deepEqual(changes, []);
  write(RtcRegister.STATUS_B, statusB);
  assert.deepEqual(changes, [-65]);
  await clock.advance(2000);
  assert.equal(time(), '20 24 02 28 23 59 07');
});

test('binary and 12-hour modes are read and set alike', () => {
  const { bus, write, read } = machine();
  write(RtcRegister.STATUS_B, RtcStatusB.BINARY);
  assert.equal(read(RtcRegister.HOURS), 0x80 | 11);
  assert.equal(read(RtcRegister.MINUTES), 59);
  for (const [hour, register] of [
    [0, 12],
    [11, 11],
    [12, 0x80 | 12],
    [13, 0x80 | 1],
  ] as const) {
    setClock(portsOf(bus), new Date(Date.UTC(2024, 5, 1, hour, 7, 8)));
    assert.equal(read(RtcRegister.HOURS), register);
    assert.equal(read(RtcRegister.SECONDS), 8);
  }
});

test('base=DATE starts there, and offsets count from it', async () => {
  const base = parseRtcDate('2006-06-17T16:01:21');
  assert.equal(base, Date.UTC(2006, 5, 17, 16, 1, 21) / 1000);
  const { clock, bus, changes, time } = machine({ base: base! });
  assert.equal(time(), '20 06 06 17 16 01 21');
  await clock.advance(9000);
  setClock(portsOf(bus), new Date(Date.UTC(2006, 5, 17, 16, 2, 0)));
  assert.deepEqual(changes, [30]);
});

test('base=localtime shows the host’s zone, and offsets leave it out', () => {
  const { bus, changes, time } = machine({ base: 'localtime' });
  const local = new Date(START);
  const shown = new Date(
    Date.UTC(
      local.getFullYear(),
      local.getMonth(),
      local.getDate(),
      local.getHours(),
      local.getMinutes(),
      local.getSeconds(),
    ),
  );
  assert.equal(time().slice(9), shown.toISOString().slice(8, 19).replace(/[T:]/g, ' '));
  setClock(portsOf(bus), new Date(shown.getTime() + 60_000));
  assert.deepEqual(changes, [60]);
});

test('clock=vm stands while the machine’s time does', async () => {
  let virtual = 0;
  const { clock, time } = machine({ drivenBy: 'vm', virtualNow: () => virtual });
  await clock.advance(60_000);
  assert.equal(time(), '20 24 02 28 23 59 50');
  virtual = 1000;
  assert.equal(time(), '20 24 02 28 23 59 51');
});

test('dates that -rtc does not take are told apart', () => {
  assert.equal(parseRtcDate('2006-06-17'), Date.UTC(2006, 5, 17) / 1000);
  for (const text of ['', 'utc', '2006-06', '2006-06-17T16:01', '2006-06-17T16:01:21Z', 'x2006-06-17']) {
    assert.equal(parseRtcDate(text), undefined);
  }
});

test('a moved clock keeps the time that the guest set', async () => {
  const source = machine();
  setClock(portsOf(source.bus), new Date(Date.UTC(2030, 0, 1)));
  source.write(0x40, 0xab);
  const state = source.rtc.section().save();
  const destination = machine({}, new VirtualClock((START + 7000) * 1000));
  destination.rtc.section().load(state, 1);
  assert.equal(destination.time(), '20 30 01 01 00 00 07');
  assert.equal(destination.read(0x40), 0xab);
  assert.deepEqual(destination.changes, []);
});

test('with clock=rt, whose origin differs, a moved clock goes on from where it was', () => {
  const source = machine({ drivenBy: 'rt' });
  const destination = machine({ drivenBy: 'rt' }, new VirtualClock(0));
  destination.rtc.section().load(source.rtc.section().save(), 1);
  assert.equal(destination.time(), '20 24 02 28 23 59 50');
});

test('states of another length or version are refused by name', () => {
  const { rtc } = machine();
  const state = rtc.section().save();
  assert.throws(() => rtc.section().load(state.subarray(1), 1), /rtc: 144 bytes instead of 145/);
  assert.throws(() => rtc.section().load(state, 2), /rtc: version 2 is not known/);
});
