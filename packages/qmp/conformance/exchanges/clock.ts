import { command, type MonitorExchange, monitorLine, type Scenario } from '../exchange.js';

/** The RTC behind its two ports, as the human monitor reaches it. */
const INDEX = '/b 0x70';
const DATA = '/b 0x71';

const hex = (value: number) => `0x${value.toString(16)}`;
const read = (register: number): MonitorExchange => monitorLine(`i ${INDEX} . ${hex(register)}`);

function write(register: number, value: number): MonitorExchange[] {
  return [monitorLine(`o ${INDEX} ${hex(register)}`), monitorLine(`o ${DATA} ${hex(value)}`)];
}

/** As {@link write}, of what sets the time: the first such in a second is reported at once. */
function set(register: number, value: number): MonitorExchange[] {
  const [index, data] = write(register, value);
  return [index!, { ...data!, replies: 2, unordered: true, varies: ['offset', 'qom-path'] }];
}

/** Seconds to year, century, and the status registers; what they say is read in one order. */
const TIME = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32, 0x37];
const STATUS = [0x0a, 0x0b, 0x0d];
const ALARM = [0x01, 0x03, 0x05];
const all: MonitorExchange[] = [
  ...[...TIME, ...STATUS].map(read),
  { send: command('qom-get', '{"path": "/machine", "property": "rtc-time"}') },
];

/** It stands still, for the guest does, and so shows the same to both. */
const frozen = (base: string) => ['-S', '-rtc', `base=${base},clock=vm`];

const BINARY = 0x04;
const HOURS_24 = 0x02;
const HELD = 0x80;

export const clockScenarios: readonly Scenario[] = [
  {
    name: 'the registers of the clock',
    machine: frozen('2006-06-17T16:01:21'),
    negotiate: 'plain',
    exchanges: [
      ...all,
      ...write(0x0b, HOURS_24 | BINARY),
      ...all,
      ...write(0x0b, BINARY),
      ...all,
      ...write(0x0b, 0),
      ...all,
      ...write(0x0b, HOURS_24),
      ...ALARM.flatMap((register, index) => [...write(register, 0x11 * (index + 1)), read(register)]),
      ...ALARM.flatMap((register) => [...write(register, 0xff), read(register)]),
      ...write(0x0c, 0xff),
      ...write(0x0d, 0x00),
      read(0x0d),
      ...write(0x0a, 0xaf),
      read(0x0a),
      ...write(0x40, 0xa5),
      read(0x40),
      ...write(0x7f, 0x5a),
      read(0xff),
      monitorLine(`i ${INDEX}`),
      monitorLine('i /h 0x70 . 0x40'),
      ...all,
    ],
  },
  {
    name: 'the end of a century, at midnight',
    machine: frozen('1999-12-31T23:59:59'),
    negotiate: 'plain',
    exchanges: all,
  },
  {
    name: 'a leap day, at noon',
    machine: frozen('2024-02-29T12:00:00'),
    negotiate: 'plain',
    exchanges: [...all, ...write(0x0b, 0), ...all],
  },
  {
    name: 'a date without a time',
    machine: frozen('2030-01-02'),
    negotiate: 'plain',
    exchanges: [...all, ...write(0x0b, 0), ...all],
  },
  {
    name: 'a guest sets its clock',
    machine: frozen('2006-06-17T16:01:21'),
    negotiate: 'plain',
    exchanges: [...set(0x09, 0x24), ...all],
  },
  {
    name: 'a guest holds its clock and sets all of it',
    machine: frozen('2006-06-17T16:01:21'),
    negotiate: 'plain',
    exchanges: [
      ...write(0x0b, HOURS_24 | HELD),
      ...write(0x00, 0x30),
      ...write(0x02, 0x45),
      ...write(0x04, 0x12),
      ...write(0x07, 0x28),
      ...write(0x08, 0x02),
      ...write(0x09, 0x30),
      ...all,
      ...set(0x0b, HOURS_24),
      ...all,
    ],
  },
  {
    name: 'a guest sets its clock in binary and 12 hours',
    machine: frozen('2006-06-17T16:01:21'),
    negotiate: 'plain',
    exchanges: [
      ...write(0x0b, BINARY),
      ...write(0x0b, BINARY | HELD),
      ...write(0x04, 0x80 | 11),
      ...write(0x02, 59),
      ...all,
      ...set(0x0b, BINARY),
      ...all,
    ],
  },
  {
    name: 'a guest holds the divider of its clock in reset',
    machine: frozen('2006-06-17T16:01:21'),
    negotiate: 'plain',
    exchanges: [
      ...write(0x0a, 0x66),
      ...write(0x02, 0x33),
      ...[...TIME, ...STATUS].map(read),
      ...set(0x0a, 0x26),
      ...all,
    ],
  },
  {
    name: 'a clock that becomes binary while it is held, and its century with it',
    machine: frozen('2006-06-17T16:01:21'),
    negotiate: 'plain',
    exchanges: [
      ...write(0x0b, HELD | HOURS_24 | BINARY),
      ...all,
      ...set(0x0b, HOURS_24 | BINARY),
      ...all,
      ...write(0x0b, HOURS_24),
      ...all,
    ],
  },
  ...[
    { name: 'a century that the clock does not reach', register: 0x32, value: 0x30 },
    { name: 'a century before the calendar', register: 0x32, value: 0xff },
    { name: 'a month that is none', register: 0x08, value: 0x1f },
    { name: 'a month with a digit that is none', register: 0x08, value: 0x86 },
    { name: 'the month before January', register: 0x08, value: 0x00 },
  ].map(
    ({ name, register, value }): Scenario => ({
      name,
      machine: frozen('2006-06-17T16:01:21'),
      negotiate: 'plain',
      exchanges: [...set(register, value), ...all],
    }),
  ),
  {
    name: 'the ports of the human monitor',
    negotiate: 'plain',
    exchanges: [
      'help i',
      'help o',
      'i',
      'o',
      'i /b',
      'o /b 0x70',
      'o /b 0x70 1 2',
      'i /b 0x5000',
      'i /h 0x5000',
      'i /w 0x5000',
      'i /b 0x15000',
      'i /z 0x70',
      'i /b nonsense',
      'i /b 0x70 .',
      'i /b -1',
      'o /b 0x100000000 1',
      'o /b 0x80 1+2*3',
      'i /b (0x70 + 1) - 1',
    ].map((line) => monitorLine(line)),
  },
];
