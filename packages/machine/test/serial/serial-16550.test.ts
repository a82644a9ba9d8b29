import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineControl, LineStatus, ModemControl, SerialRegister } from '../../src/serial/registers.js';
import { Serial16550 } from '../../src/serial/serial-16550.js';

function port() {
  let output = '';
  const serial = new Serial16550({ transmit: (bytes) => (output += Buffer.from(bytes).toString('latin1')) });
  const write = (register: number, ...bytes: number[]) => serial.write(register, Uint8Array.from(bytes));
  const read = (register: number): number => {
    const byte = new Uint8Array(1);
    serial.read(register, byte);
    return byte[0]!;
  };
  return { serial, write, read, output: () => output };
}

test('what the guest writes to the data register is transmitted, single bytes and strings alike', () => {
  const { write, read, output } = port();
  assert.equal(read(SerialRegister.LINE_STATUS), LineStatus.THR_EMPTY | LineStatus.TRANSMITTER_EMPTY);
  write(SerialRegister.DATA, 0x68);
  write(SerialRegister.DATA, 0x69, 0x0a);
  assert.equal(output(), 'hi\n');
});

test('the divisor latch hides data and interrupt registers', () => {
  const { write, read, output } = port();
  write(SerialRegister.LINE_CONTROL, LineControl.DIVISOR_LATCH | 3);
  write(SerialRegister.DATA, 1);
  write(SerialRegister.INTERRUPT_ENABLE, 2);
  assert.deepEqual([read(SerialRegister.DATA), read(SerialRegister.INTERRUPT_ENABLE)], [1, 2]);
  write(SerialRegister.LINE_CONTROL, 3);
  assert.deepEqual([read(SerialRegister.DATA), read(SerialRegister.INTERRUPT_ENABLE)], [0, 0]);
  assert.equal(output(), '');
});

test('received bytes wait for the guest, one without the FIFO and sixteen with it', () => {
  const { serial, write, read } = port();
  assert.equal(serial.receive(Uint8Array.of(1, 2)), 1);
  assert.equal(serial.receivable, 0);
  assert.equal(read(SerialRegister.LINE_STATUS) & LineStatus.DATA_READY, LineStatus.DATA_READY);
  assert.equal(read(SerialRegister.DATA), 1);
  assert.equal(read(SerialRegister.LINE_STATUS) & LineStatus.DATA_READY, 0);
  write(SerialRegister.INTERRUPT_ID, 1);
  assert.equal(serial.receive(new Uint8Array(20)), 16);
  write(SerialRegister.INTERRUPT_ID, 3);
  assert.equal(serial.receivable, 16);
});

test('in loopback nothing leaves or enters, and an overrun shows once', () => {
  const { serial, write, read, output } = port();
  write(SerialRegister.MODEM_CONTROL, ModemControl.LOOPBACK | ModemControl.RTS | ModemControl.OUT2);
  assert.equal(read(SerialRegister.MODEM_STATUS), 0x90);
  write(SerialRegister.DATA, 7);
  write(SerialRegister.DATA, 8);
  assert.equal(output(), '');
  assert.equal(serial.receive(Uint8Array.of(1)), 0);
  assert.equal(read(SerialRegister.LINE_STATUS) & LineStatus.OVERRUN, LineStatus.OVERRUN);
  assert.equal(read(SerialRegister.LINE_STATUS) & LineStatus.OVERRUN, 0);
  assert.equal(read(SerialRegister.DATA), 7);
});

test('a break is a zero byte and a condition of the line that shows once, and moves with the state', () => {
  const { serial, read, write } = port();
  write(SerialRegister.INTERRUPT_ENABLE, 0x04);
  assert.equal(read(SerialRegister.INTERRUPT_ID), 0x01);
  serial.receiveBreak();
  assert.equal(read(SerialRegister.INTERRUPT_ID), 0x06);
  const destination = port();
  destination.serial.section().load(serial.section().save(), 1);
  for (const side of [read, destination.read]) {
    assert.equal(side(SerialRegister.LINE_STATUS), 0x60 | LineStatus.BREAK | LineStatus.DATA_READY);
    assert.equal(side(SerialRegister.LINE_STATUS), 0x60 | LineStatus.DATA_READY);
    assert.equal(side(SerialRegister.DATA), 0);
    assert.equal(side(SerialRegister.INTERRUPT_ID), 0x01);
  }
});

test('state moves with what was received and not read yet', () => {
  const source = port();
  source.write(SerialRegister.INTERRUPT_ID, 1);
  source.write(SerialRegister.SCRATCH, 0x5a);
  source.serial.receive(Uint8Array.of(10, 11, 12));
  const state = source.serial.section().save();
  const destination = port();
  destination.serial.section().load(state, 1);
  assert.equal(destination.read(SerialRegister.SCRATCH), 0x5a);
  assert.deepEqual(
    [10, 11, 12],
    [0, 0, 0].map(() => destination.read(SerialRegister.DATA)),
  );
  assert.equal(destination.serial.receivable, 16);
  assert.throws(
    () => destination.serial.section().load(state.subarray(1), 1),
    /serial: 11 bytes do not make up a state/,
  );
  assert.throws(() => destination.serial.section().load(state, 9), /serial: version 9 is not known/);
});
