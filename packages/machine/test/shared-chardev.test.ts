import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { createMemoryTransports, type Transport } from '@godwit/qmp';
import type { ChardevFrontend } from '../src/chardev/index.js';
import { Mux } from '../src/chardev/mux.js';
import { TelnetTransport } from '../src/chardev/telnet.js';

/** The client's side: what it was sent, byte by byte. */
function screenOf(transport: Transport): { text: () => string } {
  let text = '';
  transport.start({
    data: (chunk) => {
      text += Buffer.from(chunk).toString('latin1');
    },
    drain: () => {},
    ended: () => {},
    closed: () => {},
  });
  return { text: () => text };
}

class Typist implements ChardevFrontend {
  readonly label = 'typist';
  received = '';
  readonly focused: boolean[] = [];
  transport: Transport | undefined;

  attach(transport: Transport): Promise<Error | undefined> {
    this.transport = transport;
    return new Promise((resolve) => {
      transport.start({
        data: (chunk) => {
          this.received += Buffer.from(chunk).toString('latin1');
        },
        drain: () => {},
        ended: () => {},
        closed: resolve,
      });
    });
  }

  focus(gained: boolean): void {
    this.focused.push(gained);
  }
}

test('Control-A and a letter switch between the frontends of one device, and all of them are heard', async () => {
  const clock = new VirtualClock();
  let exits = 0;
  const mux = new Mux({ label: 'm', clock, onExit: () => exits++ });
  const [serial, monitor] = [new Typist(), new Typist()];
  mux.add(serial);
  mux.add(monitor);
  const [near, far] = createMemoryTransports();
  const screen = screenOf(far);
  const ended = mux.attach(near);
  const type = async (keys: string): Promise<string> => {
    const before = screen.text().length;
    far.write(Buffer.from(keys, 'latin1'));
    await clock.advance(1);
    return screen.text().slice(before);
  };
  await type('ab\x01cd\x01\x01e\x01zf\x01cg');
  assert.equal(serial.received, 'abg');
  assert.equal(monitor.received, 'd\x01ef');
  assert.deepEqual(monitor.focused, [false, true, false]);
  serial.transport?.write(Buffer.from('from one'));
  monitor.transport?.write(Buffer.from(', from two'));
  assert.equal(await type(''), 'from one, from two');
  assert.match(await type('\x01h'), /^\n\rC-a h {4}print this help\n\r/);
  await type('\x01t');
  serial.transport?.write(Buffer.from('x\ny\n'));
  assert.match(await type(''), /^x\n\[00:00:00\.\d{3}\] y\n$/);
  await type('\x01t');
  // A port without room keeps nobody from the monitor.
  monitor.transport?.pause();
  await type('\x01cy\x01cz');
  assert.equal(monitor.received, 'd\x01ef');
  monitor.transport?.resume();
  await type('');
  assert.equal(monitor.received, 'd\x01efy');
  assert.equal(serial.received, 'abgz');
  serial.transport?.pause();
  await type('later\x01cx');
  assert.equal(serial.received, 'abgz');
  serial.transport?.resume();
  await type('');
  assert.equal(serial.received, 'abgzlater');
  assert.equal(monitor.received, 'd\x01efyx');
  assert.equal(await type('\x01x'), 'QEMU: Terminated\n\r');
  assert.equal(exits, 1);
  far.end();
  near.end();
  assert.equal(await ended, undefined);
});

test('keys that come before those that share a device wait for them', async () => {
  const clock = new VirtualClock();
  const mux = new Mux({ label: 'm', clock, expected: 2, onExit: () => {} });
  const [near, far] = createMemoryTransports();
  void mux.attach(near);
  far.write(Buffer.from('ab\x01cd'));
  const [serial, monitor] = [new Typist(), new Typist()];
  await clock.advance(1);
  mux.add(serial);
  await clock.advance(1);
  assert.equal(serial.received, '');
  mux.add(monitor);
  assert.equal(serial.received, 'ab');
  assert.equal(monitor.received, 'd');
  far.end();
});

test('a telnet client is told how to behave, and its answers are no input', async () => {
  const clock = new VirtualClock();
  const [near, far] = createMemoryTransports();
  const screen = screenOf(far);
  const typist = new Typist();
  void typist.attach(new TelnetTransport(near, { is3270: false, onBreak: () => {} }));
  far.write(Uint8Array.of(0xff, 0xfd, 1, 97, 0xff));
  far.write(Uint8Array.of(0xfd, 3, 98, 0xff, 0xf1, 99, 0xff, 0xff, 100));
  await clock.advance(1);
  assert.equal(typist.received, 'abc\xffd');
  assert.equal(screen.text(), '\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00');
});

test('a telnet client sends a break with the command of that name', async () => {
  const clock = new VirtualClock();
  const [near, far] = createMemoryTransports();
  const typist = new Typist();
  let breaks = 0;
  void typist.attach(new TelnetTransport(near, { is3270: false, onBreak: () => breaks++ }));
  far.write(Uint8Array.of(97, 0xff, 0xf3, 98));
  await clock.advance(1);
  assert.equal(breaks, 1);
  assert.equal(typist.received, 'ab');
});

test('of a client of the family 3270 the ends of records are seen, and negotiation is not', async () => {
  const clock = new VirtualClock();
  const [near, far] = createMemoryTransports();
  const screen = screenOf(far);
  const typist = new Typist();
  void typist.attach(new TelnetTransport(near, { is3270: true, onBreak: () => {} }));
  far.write(Uint8Array.of(0xff, 0xfb, 0x19, 97, 0xff, 0xef, 98, 0xff, 0xf1));
  await clock.advance(1);
  assert.equal(typist.received, 'a\xff\xefb');
  assert.equal(screen.text().length, 21);
});
