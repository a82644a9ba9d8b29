import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMON_REGISTERS, DeviceState, InterruptCause, wrongDmaPages } from '../src/index.js';
import { CRYPTO_REGISTERS } from '../src/models/crypto/registers.js';
import { readRegister, rig, saved, writeRegister } from './rig.js';

const { DOORBELL, INTERRUPT_STATUS, INTERRUPT_ENABLE, INTERRUPT_ACKNOWLEDGE, DMA_PAGES } = COMMON_REGISTERS;
const WINDOW = { base: 8192, length: 16384 };
const PROPERTIES = { 'dma-address': WINDOW.base, 'dma-size': WINDOW.length };

test('a doorbell is answered with a DMA page and an interrupt, where that is enabled', () => {
  let interrupts = 0;
  const { device, memory } = rig('nic', PROPERTIES, { interrupt: () => interrupts++ });
  writeRegister(device, DOORBELL.offset, 1);
  assert.equal(readRegister(device, DOORBELL.offset), 0);
  assert.equal(readRegister(device, DMA_PAGES.offset), 1);
  assert.deepEqual(wrongDmaPages(memory, WINDOW, 1), []);
  assert.equal(readRegister(device, INTERRUPT_STATUS.offset), InterruptCause.DOORBELL);
  assert.equal(interrupts, 0);
  writeRegister(device, INTERRUPT_ENABLE.offset, InterruptCause.DOORBELL);
  assert.equal(interrupts, 1, 'what waits is raised when it is enabled');
  writeRegister(device, INTERRUPT_ACKNOWLEDGE.offset, InterruptCause.DOORBELL);
  assert.equal(readRegister(device, INTERRUPT_STATUS.offset), 0);
  writeRegister(device, DOORBELL.offset, 1);
  assert.equal(interrupts, 2);
  device.close();
});

test('a model raises its interrupt when it has finished something', () => {
  let interrupts = 0;
  const { device } = rig('crypto', {}, { interrupt: () => interrupts++ });
  writeRegister(device, INTERRUPT_ENABLE.offset, InterruptCause.WORK);
  writeRegister(device, COMMON_REGISTERS.SCRATCH0.offset, 1);
  assert.equal(interrupts, 0);
  writeRegister(device, CRYPTO_REGISTERS.JOB.offset, 1);
  assert.equal(interrupts, 1);
  assert.equal(readRegister(device, INTERRUPT_STATUS.offset), InterruptCause.WORK);
  device.close();
});

test('in a P2P state a doorbell waits, for its answer would be DMA', async () => {
  let interrupts = 0;
  const { device, memory } = rig('nic', PROPERTIES, { interrupt: () => interrupts++ });
  writeRegister(device, INTERRUPT_ENABLE.offset, InterruptCause.DOORBELL);
  await device.setState(DeviceState.RUNNING_P2P);
  writeRegister(device, DOORBELL.offset, 1);
  assert.deepEqual([memory.writes, interrupts, readRegister(device, DOORBELL.offset)], [0, 0, 1]);
  await device.setState(DeviceState.RUNNING);
  assert.deepEqual([memory.writes, readRegister(device, DOORBELL.offset)], [1, 0]);
  assert.ok(interrupts > 0);
  device.close();
});

test('an interrupt that nobody acknowledged is raised again where the device has moved to', async () => {
  const source = rig('gpu', PROPERTIES);
  writeRegister(source.device, INTERRUPT_ENABLE.offset, InterruptCause.DOORBELL);
  writeRegister(source.device, DOORBELL.offset, 1);
  let interrupts = 0;
  const target = rig('gpu', {}, { interrupt: () => interrupts++ });
  const stream = await saved(source.device);
  await target.device.setState(DeviceState.RESUMING);
  await target.device.writeData(stream);
  await target.device.setState(DeviceState.RUNNING_P2P);
  assert.equal(interrupts, 0);
  await target.device.setState(DeviceState.RUNNING);
  assert.equal(interrupts, 1);
  source.device.close();
  target.device.close();
});
