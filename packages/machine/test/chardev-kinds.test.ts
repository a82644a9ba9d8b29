import assert from 'node:assert/strict';
import { closeSync, readdirSync, readSync, writeSync } from 'node:fs';
import { test } from 'node:test';
import { native } from '@godwit/native';
import { serialTransport } from '../src/chardev/host-devices.js';
import { expandShortChardev } from '../src/chardev/short-form.js';
import { testDeviceTransport } from '../src/chardev/test-device.js';
import { virtualConsoleTransport } from '../src/chardev/virtual-console.js';
import { createTestMachine, execute } from './support/test-machine.js';

const unused = { drain: () => {}, ended: () => {}, closed: () => {} };

test('a test in the guest ends the machine with the exit code that it says', () => {
  const codes: number[] = [];
  const device = testDeviceTransport((code) => codes.push(code));
  device.start({ ...unused, data: () => assert.fail('nothing comes from it') });
  device.write(Buffer.from('3x 12 '));
  device.write(Buffer.from('q0qq'));
  device.write(Buffer.alloc(100, '9'));
  assert.deepEqual(codes, [25, 1, 1]);
});

test('a terminal that nobody sees tells whoever writes to it where its cursor is', async () => {
  const terminal = virtualConsoleTransport({ columns: 10, rows: 3 });
  const answers = await new Promise<string>((resolve) => {
    let text = '';
    terminal.start({
      ...unused,
      data: (chunk) => {
        text += Buffer.from(chunk).toString('latin1');
        if (text.endsWith('R')) resolve(text);
      },
    });
    terminal.write(Buffer.from('one\r\ntwo\r\nthree\r\nfo\x1b[5n\x1b[6n'));
  });
  assert.equal(answers, '\x1b[0n\x1b[3;3R');
});

test('a device of the host that is not there, or no port, is refused', async () => {
  const machine = await createTestMachine();
  const add = (type: string, device: string) =>
    execute(machine, 'chardev-add', { id: 'a', backend: { type, data: { device } } });
  for (const type of ['serial', 'parallel']) {
    await assert.rejects(
      add(type, '/nonexistent'),
      /Could not open '\/nonexistent': No such file or directory$/,
    );
  }
  await assert.rejects(add('parallel', '/dev/null'), /not a parallel port: Inappropriate ioctl for device$/);
  await add('serial', '/dev/null');
  assert.equal(machine.machine.chardevs.made[0]!.filename, 'serial');
  await machine.close();
});

test('a serial port of the host carries every byte as it is, and leaves no descriptor behind', {
  skip: native === undefined ? 'the addon is not there' : false,
}, async () => {
  const talk = async () => {
    const { fd, path } = native!.openTerminal();
    const port = serialTransport(path);
    const bytes = Buffer.from('\x03in\r\n');
    const received: Buffer[] = [];
    await new Promise<void>((resolve) => {
      port.start({
        ...unused,
        data: (chunk) => {
          received.push(Buffer.from(chunk));
          if (Buffer.concat(received).length >= bytes.length) resolve();
        },
      });
      writeSync(fd, bytes);
    });
    assert.deepEqual(Buffer.concat(received), bytes);
    port.write(bytes);
    assert.deepEqual(await read(fd, bytes.length), bytes);
    port.destroy();
    closeSync(fd);
  };
  const descriptors = () => readdirSync('/proc/self/fd').length;
  await talk();
  const before = descriptors();
  await talk();
  while (descriptors() > before) await nextTurn();
});

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** So many bytes of a descriptor that does not wait for them. */
async function read(fd: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; await nextTurn()) {
    try {
      at += readSync(fd, bytes, at, length - at, null);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
  }
  return bytes;
}

test('short forms are those of -serial', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['mon:stdio', 'stdio,mux=on,signal=off'],
    ['mon:null', 'null,mux=on'],
    ['vc', 'vc'],
    ['vc:80Cx25C', 'vc,cols=80,rows=25'],
    ['vc:800x600', 'vc,width=800,height=600'],
    ['/dev/ttyS0', 'serial,path=/dev/ttyS0'],
    ['/dev/parport0', 'parallel,path=/dev/parport0'],
    ['file:/a,b', 'file,path=/a,,b'],
    ['tcp::4444,server=on', 'socket,host=0.0.0.0,port=4444,server=on'],
    ['tn3270:h:23', 'socket,host=h,port=23,tn3270=on'],
    ['telnet:[::1]:23', 'socket,host=::1,port=23,telnet=on'],
    ['telnet:h:23,server=on', 'socket,host=h,port=23,server=on,telnet=on'],
    ['tcp:a,b:23', 'socket,host=a,,b,port=23'],
    ['udp::9', 'udp,host=localhost,port=9'],
    ['udp:h:9@:0', 'udp,host=h,port=9,localaddr=,localport=0'],
    ['udp:h:9,ipv4=on', 'udp,host=h,port=9'],
    ['unix:/run/q,server=on', 'socket,path=/run/q,server=on'],
    ['unix:server=on,path=/run/q', 'socket,server=on,path=/run/q'],
    ['unix:', 'socket'],
    ['vcx', 'vc'],
    ['vc:80Cx24', 'vc,cols=80,rows=24'],
    ['con:', 'console'],
    ['COM1', 'serial,path=COM1'],
  ];
  for (const [text, expanded] of forms) assert.equal(expandShortChardev(text), expanded, text);
  for (const text of [
    'vc:',
    'vc:x',
    'mon:vc:x',
    'tcp:',
    'tcp:h',
    'tcp:h:',
    'tcp::',
    'udp:',
    'udp:1',
    'udp:h:9@x',
  ]) {
    assert.equal(expandShortChardev(text), undefined, text);
  }
  for (const text of ['', 'mon:', 'mon:mon:null', 'null,x', 'ringbuf']) {
    assert.throws(() => expandShortChardev(text), /is not a valid char driver$/, text);
  }
});

test('a break that is sent to a character device reaches the serial port behind it', async () => {
  const machine = await createTestMachine({ chardevs: [{ id: 'com', kind: 'null' }], serials: ['com'] });
  const lineStatus = () => {
    const byte = new Uint8Array(1);
    machine.machine.hardware.serial.read(5, byte);
    return byte[0]!;
  };
  assert.equal(lineStatus() & 0x10, 0);
  await execute(machine, 'stop');
  await execute(machine, 'chardev-send-break', { id: 'com' });
  assert.equal(lineStatus() & 0x11, 0x11);
  await machine.close();
});
