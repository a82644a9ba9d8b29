import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { portsOf } from '../../src/guest/guest-ports.js';
import { setClock } from '../../src/guest/set-clock.js';
import { Bus } from '../../src/memory/bus.js';
import { Mc146818 } from '../../src/rtc/mc146818.js';
import {
  parseRtcDate,
  RtcReference,
  type RtcReferenceOptions,
  utcFields,
  utcSeconds,
} from '../../src/rtc/reference.js';
import {
  RTC_ANY,
  RTC_PORT,
  RTC_PORTS,
  RtcRegister,
  RtcStatusB,
  RtcStatusC,
} from '../../src/rtc/registers.js';

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

test('a month that is none goes on from December as QEMU counts it', () => {
  const { write, time } = machine();
  write(RtcRegister.MONTH, 0x13);
  assert.equal(time(), '20 25 01 28 23 59 50');
  write(RtcRegister.MONTH, 0x1f);
  assert.equal(time(), '20 27 01 30 23 59 50');
});

test('years that 64 bits of nanoseconds do not reach come around', () => {
  const { write, time } = machine();
  write(RtcRegister.CENTURY, 0x22);
  assert.equal(time(), '22 24 02 28 23 59 50');
  // 2524 less the 18446744073.709 seconds of 64 bits.
  write(RtcRegister.CENTURY, 0x25);
  assert.equal(time(), '19 39 08 11 00 25 17');
});

test('every day is counted as the calendar has it', () => {
  for (let day = 0; day < 300_000; day += 13) {
    const date = new Date(Date.UTC(1600, 0, 1 + day));
    assert.equal(utcSeconds(utcFields(date)) * 1000, date.getTime());
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

test('status C says what has happened since it was read, and asks for an interrupt where one is enabled', async () => {
  const { clock, read, write } = machine();
  const { STATUS_A, STATUS_B, STATUS_C } = RtcRegister;
  const set = (enabled: number) => write(STATUS_B, RtcStatusB.HOURS_24 | enabled);
  assert.equal(read(STATUS_C), 0);
  await clock.advance(1000);
  assert.equal(read(STATUS_C), RtcStatusC.UPDATE_ENDED);
  assert.equal(read(STATUS_C), 0, 'who reads it has heard it');
  set(RtcStatusB.UPDATE_ENDED);
  await clock.advance(1000);
  assert.equal(read(STATUS_C), RtcStatusC.UPDATE_ENDED | RtcStatusC.INTERRUPT);
  // 2 Hz, then off.
  write(STATUS_A, 0x2f);
  set(RtcStatusB.PERIODIC);
  await clock.advance(499);
  assert.equal(read(STATUS_C), 0);
  await clock.advance(2);
  assert.equal(read(STATUS_C), RtcStatusC.PERIODIC | RtcStatusC.INTERRUPT);
  await clock.advance(500);
  assert.equal(read(STATUS_C) & RtcStatusC.PERIODIC, RtcStatusC.PERIODIC);
  write(STATUS_A, 0x20);
  await clock.advance(5000);
  assert.equal(read(STATUS_C), RtcStatusC.UPDATE_ENDED);
  // The divider in reset stands, and with it all that comes of it.
  write(STATUS_A, 0x66);
  await clock.advance(5000);
  assert.equal(read(STATUS_C), 0);
});

const ALARMS: readonly (readonly [string, hours: number, minutes: number, seconds: number, after: number])[] =
  [
    ['at midnight', 0, 0, 0, 10],
    ['in the next minute', RTC_ANY, RTC_ANY, 0, 10],
    ['every second', 0xff, 0xff, 0xff, 1],
    ['every hour, at a quarter past', RTC_ANY, 0x15, 0x30, 15 * 60 + 40],
    ['once a day, a moment ago', 0x23, 0x59, 0x49, 86_399],
  ];

test('the alarm goes off when the time is as the guest said, and not before', async () => {
  for (const [name, hours, minutes, seconds, after] of ALARMS) {
    const { clock, read, write } = machine();
    write(RtcRegister.HOURS_ALARM, hours);
    write(RtcRegister.MINUTES_ALARM, minutes);
    write(RtcRegister.SECONDS_ALARM, seconds);
    if (after > 1) await clock.advance((after - 1) * 1000);
    assert.equal(read(RtcRegister.STATUS_C) & RtcStatusC.ALARM, 0, name);
    await clock.advance(1000);
    assert.equal(read(RtcRegister.STATUS_C) & RtcStatusC.ALARM, RtcStatusC.ALARM, name);
  }
});

test('in 12-hour mode the alarm knows mornings from evenings', async () => {
  const { clock, read, write } = machine();
  write(RtcRegister.STATUS_B, 0);
  write(RtcRegister.HOURS_ALARM, 0x80 | 0x12);
  write(RtcRegister.MINUTES_ALARM, RTC_ANY);
  write(RtcRegister.SECONDS_ALARM, RTC_ANY);
  await clock.advance(11_000);
  assert.equal(read(RtcRegister.STATUS_C) & RtcStatusC.ALARM, 0, 'it is midnight');
  await clock.advance(12 * 3_600_000);
  assert.equal(read(RtcRegister.STATUS_C) & RtcStatusC.ALARM, RtcStatusC.ALARM);
});

test('a reset leaves the time, and disables and forgets the interrupts', async () => {
  const { clock, rtc, read, write, time } = machine();
  write(RtcRegister.STATUS_B, RtcStatusB.HOURS_24 | RtcStatusB.PERIODIC | RtcStatusB.UPDATE_ENDED);
  write(RtcRegister.SHUTDOWN_STATUS, 0x05);
  await clock.advance(2000);
  rtc.reset();
  assert.equal(read(RtcRegister.STATUS_C), 0);
  assert.equal(read(RtcRegister.STATUS_B), RtcStatusB.HOURS_24 | RtcStatusB.UPDATE_ENDED);
  assert.equal(read(RtcRegister.SHUTDOWN_STATUS), 0);
  assert.equal(time(), '20 24 02 28 23 59 52');
  write(RtcRegister.SHUTDOWN_STATUS, 0xfe);
  rtc.reset();
  assert.equal(read(RtcRegister.SHUTDOWN_STATUS), 0xfe, 'a guest that sleeps is to wake up');
});

test('a guest that holds the clock is told of no update, and changes of mode count from then on', () => {
  const { read, write, time, changes } = machine();
  write(RtcRegister.STATUS_B, RtcStatusB.HOURS_24 | RtcStatusB.SET | RtcStatusB.UPDATE_ENDED);
  assert.equal(read(RtcRegister.STATUS_B), RtcStatusB.HOURS_24 | RtcStatusB.SET);
  write(RtcRegister.HOURS, 0x22);
  write(RtcRegister.STATUS_B, 0);
  assert.deepEqual(changes, [-3600]);
  assert.equal(read(RtcRegister.HOURS), 0x80 | 0x10);
  write(RtcRegister.MONTH, 0x02);
  write(RtcRegister.DAY_OF_MONTH, 0x30);
  assert.equal(time().slice(6, 11), '03 01', 'a day that is none is the next one');
});

test('flags that nobody has read travel along', async () => {
  const source = machine();
  await source.clock.advance(1000);
  const destination = machine();
  destination.rtc.section().load(source.rtc.section().save(), 1);
  assert.equal(destination.read(RtcRegister.STATUS_C), RtcStatusC.UPDATE_ENDED);
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
