import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import {
  BLOCK_REGISTERS,
  BlockRequest,
  BlockStatus,
  COMMON_REGISTERS,
  CRYPTO_REGISTERS,
  DESCRIPTOR_DONE,
  DESCRIPTOR_SIZE,
  DeviceState,
  decodeDescriptor,
  encodeDescriptor,
  GPU_REGISTERS,
  GpuCommand,
  type ModelledDevice,
  NIC_REGISTERS,
  type RegisterDefinition,
} from '../src/index.js';
import { drain, readRegister, rig, saved, TestMemory, writeRegister } from './rig.js';

const { RUNNING, STOP, RESUMING, RUNNING_P2P, PRE_COPY } = DeviceState;

const RINGS = 4;
const TX_RING = 0x1000;
const RX_RING = 0x2000;
const TX_BUFFERS = 0x10000;
const RX_BUFFERS = 0x20000;
const BUFFER = 2048;

function set(
  device: ModelledDevice,
  values: Record<string, number>,
  table: Record<string, RegisterDefinition>,
): void {
  for (const [name, value] of Object.entries(values)) writeRegister(device, table[name]!.offset, value);
}

function get(device: ModelledDevice, register: RegisterDefinition): number {
  return readRegister(device, register.offset);
}

/** The target gets the state of the source, and runs. */
async function migrate(source: ModelledDevice, target: ModelledDevice): Promise<void> {
  const stream = await saved(source);
  await target.setState(RESUMING);
  await target.writeData(stream);
  await target.setState(RUNNING);
}

/** Sets up both rings: every receive descriptor has a buffer, no transmit descriptor is ready. */
function setUpRings(device: ModelledDevice, memory: TestMemory): void {
  for (let index = 0; index < RINGS; index++) {
    const receive = { address: RX_BUFFERS + index * BUFFER, length: BUFFER, flags: 0 };
    memory.write(RX_RING + index * DESCRIPTOR_SIZE, encodeDescriptor(receive));
  }
  set(
    device,
    { TX_BASE_LOW: TX_RING, TX_COUNT: RINGS, RX_BASE_LOW: RX_RING, RX_COUNT: RINGS, RX_TAIL: RINGS - 1 },
    NIC_REGISTERS,
  );
}

/** Puts a frame into transmit descriptor `index` without ringing the doorbell. */
function queueFrame(memory: TestMemory, index: number, text: string): void {
  const frame = Buffer.from(text);
  memory.write(TX_BUFFERS + index * BUFFER, frame);
  const descriptor = { address: TX_BUFFERS + index * BUFFER, length: frame.length, flags: 0 };
  memory.write(TX_RING + index * DESCRIPTOR_SIZE, encodeDescriptor(descriptor));
}

function received(memory: TestMemory, index: number): { text: string; flags: number } {
  const bytes = new Uint8Array(DESCRIPTOR_SIZE);
  memory.read(RX_RING + index * DESCRIPTOR_SIZE, bytes);
  const { address, length, flags } = decodeDescriptor(bytes);
  return { text: Buffer.from(memory.bytes.subarray(address, address + length)).toString(), flags };
}

test('nic: a frame that is sent is received, both descriptors are done, and every write is logged', async () => {
  const { device, memory } = rig('nic');
  await device.dmaLogging.start([{ iova: 0, length: 1 << 20 }], 4096);
  setUpRings(device, memory);
  queueFrame(memory, 0, 'first frame');
  set(device, { TX_TAIL: 1 }, NIC_REGISTERS);
  assert.deepEqual(received(memory, 0), { text: 'first frame', flags: DESCRIPTOR_DONE });
  assert.equal(get(device, NIC_REGISTERS.TX_FRAMES), 1);
  assert.equal(get(device, NIC_REGISTERS.RX_FRAMES), 1);
  assert.equal(get(device, NIC_REGISTERS.TX_HEAD), 1);
  const bitmap = new Uint32Array(8);
  await device.dmaLogging.report(0, 1 << 20, 4096, bitmap);
  assert.deepEqual([...bitmap], [0b110, 1, 0, 0, 0, 0, 0, 0]);
});

test('nic: frames wait for receive buffers, and over a migration none is lost, repeated or out of order', async () => {
  const memory = new TestMemory(1 << 20);
  const source = rig('nic', {}, { memory });
  const target = rig('nic', {}, { memory, seed: 2 });
  setUpRings(source.device, memory);
  set(source.device, { RX_TAIL: 1 }, NIC_REGISTERS);
  for (let index = 0; index < 3; index++) queueFrame(memory, index, `frame ${index}`);
  set(source.device, { TX_TAIL: 3 }, NIC_REGISTERS);
  assert.equal(get(source.device, NIC_REGISTERS.RX_FRAMES), 1);
  await migrate(source.device, target.device);
  assert.equal(get(target.device, NIC_REGISTERS.TX_HEAD), 1);
  set(target.device, { RX_TAIL: 3 }, NIC_REGISTERS);
  assert.deepEqual(
    [0, 1, 2].map((index) => received(memory, index).text),
    ['frame 0', 'frame 1', 'frame 2'],
  );
  assert.equal(get(target.device, NIC_REGISTERS.RX_FRAMES), 3);
  assert.equal(get(target.device, NIC_REGISTERS.RX_DROPPED), 0);
});

test('nic: a doorbell in a P2P state is answered when the device may do DMA again', async () => {
  const { device, memory } = rig('nic');
  setUpRings(device, memory);
  queueFrame(memory, 0, 'late');
  await device.setState(RUNNING_P2P);
  const { writes } = memory;
  set(device, { TX_TAIL: 1 }, NIC_REGISTERS);
  assert.equal(memory.writes, writes);
  await device.setState(RUNNING);
  assert.equal(received(memory, 0).text, 'late');
});

test('nic: rings that make no sense are counted as errors and do no harm', async () => {
  const { device, memory } = rig('nic');
  setUpRings(device, memory);
  set(device, { TX_TAIL: 99 }, NIC_REGISTERS);
  assert.equal(get(device, NIC_REGISTERS.RING_ERRORS), 1);
  assert.equal(get(device, NIC_REGISTERS.TX_COUNT), 0);
  set(device, { TX_TAIL: 0 }, NIC_REGISTERS);
  setUpRings(device, memory);
  queueFrame(memory, 0, 'lost');
  set(device, { TX_BASE_LOW: 0xfffff000, TX_TAIL: 1 }, NIC_REGISTERS);
  assert.equal(get(device, NIC_REGISTERS.RING_ERRORS), 2);
  assert.equal(get(device, COMMON_REGISTERS.DMA_FAULTS), 1);
  const tooShort = { address: RX_BUFFERS, length: 2, flags: 0 };
  memory.write(RX_RING, encodeDescriptor(tooShort));
  set(device, { TX_BASE_LOW: TX_RING }, NIC_REGISTERS);
  queueFrame(memory, 1, 'too long');
  set(device, { TX_TAIL: 2 }, NIC_REGISTERS);
  assert.equal(get(device, NIC_REGISTERS.RX_DROPPED), 1);
  assert.equal(device.state, RUNNING);
});

test('gpu: the guest uploads, fills and downloads through the aperture, and it migrates', async () => {
  const memory = new TestMemory(1 << 20);
  const source = rig('gpu', {}, { memory });
  const target = rig('gpu', {}, { memory, seed: 2 });
  memory.write(0x3000, Buffer.from('texture'));
  const upload = { COMMAND: GpuCommand.UPLOAD, GUEST_LOW: 0x3000, APERTURE_OFFSET: 100, LENGTH: 7, FENCE: 1 };
  set(source.device, upload, GPU_REGISTERS);
  const fill = { COMMAND: GpuCommand.FILL, APERTURE_OFFSET: 107, LENGTH: 2, PATTERN: 0x21, FENCE: 2 };
  set(source.device, fill, GPU_REGISTERS);
  await source.device.setState(PRE_COPY);
  const first = await drain(source.device);
  const [, aperture] = source.device.regions;
  aperture!.write(50, Buffer.from('from the bus'));
  assert.ok((await source.device.precopyInfo()).dirtyBytes >= 4096);
  const rest = await saved(source.device);
  assert.throws(() => aperture!.write(50, Buffer.from('too late')), { code: 'EBUSY' });
  await target.device.setState(RESUMING);
  for (const chunk of [...first, rest]) await target.device.writeData(chunk);
  await target.device.setState(RUNNING);
  assert.equal(get(target.device, GPU_REGISTERS.COMPLETED), 2);
  set(
    target.device,
    { COMMAND: GpuCommand.DOWNLOAD, GUEST_LOW: 0x5000, APERTURE_OFFSET: 100, LENGTH: 9, FENCE: 3 },
    GPU_REGISTERS,
  );
  assert.equal(Buffer.from(memory.bytes.subarray(0x5000, 0x5009)).toString(), 'texture!!');
  const text = new Uint8Array(12);
  target.device.regions[1]!.read(50, text);
  assert.equal(Buffer.from(text).toString(), 'from the bus');
  assert.equal(get(target.device, GPU_REGISTERS.COMMAND_ERRORS), 0);
});

test('gpu: RECONFIGURE in pre-copy makes the migration start over, and what arrives is whole', async () => {
  const source = rig('gpu');
  const target = rig('gpu', {}, { seed: 2 });
  source.device.regions[1]!.write(8, Buffer.from('of the guest'));
  await source.device.setState(PRE_COPY);
  const chunks = await drain(source.device);
  set(source.device, { COMMAND: GpuCommand.RECONFIGURE, FENCE: 1 }, GPU_REGISTERS);
  const info = await source.device.precopyInfo();
  assert.equal(info.reinit, true);
  assert.ok(info.initialBytes >= 16 * 4096);
  chunks.push(...(await drain(source.device)));
  chunks.push(await saved(source.device));
  await target.device.setState(RESUMING);
  for (const chunk of chunks) await target.device.writeData(chunk);
  await target.device.setState(RUNNING);
  assert.deepEqual(target.device.verify(), { blocks: 15, errors: 0 });
  const text = new Uint8Array(12);
  target.device.regions[1]!.read(8, text);
  assert.equal(Buffer.from(text).toString(), 'of the guest');
});

test('gpu: a command that makes no sense is counted and answered', () => {
  const { device } = rig('gpu');
  set(device, { COMMAND: 99, FENCE: 1 }, GPU_REGISTERS);
  set(device, { COMMAND: GpuCommand.FILL, APERTURE_OFFSET: 4000, LENGTH: 1000, FENCE: 2 }, GPU_REGISTERS);
  set(
    device,
    { COMMAND: GpuCommand.UPLOAD, GUEST_HIGH: 5, APERTURE_OFFSET: 0, LENGTH: 8, FENCE: 3 },
    GPU_REGISTERS,
  );
  assert.equal(get(device, GPU_REGISTERS.COMMAND_ERRORS), 3);
  assert.equal(get(device, GPU_REGISTERS.COMPLETED), 3);
});

test('block: what was written to the disk is read from it after a migration', async () => {
  const memory = new TestMemory(1 << 20);
  const source = rig('block', {}, { memory });
  const target = rig('block', {}, { memory, seed: 2 });
  assert.equal(get(source.device, BLOCK_REGISTERS.CAPACITY), 16);
  memory.bytes.fill(0xab, 0x8000, 0x8400);
  const write = { REQUEST: BlockRequest.WRITE, SECTOR: 5, SECTORS: 2, BUFFER_LOW: 0x8000, TAG: 1 };
  set(source.device, write, BLOCK_REGISTERS);
  assert.equal(get(source.device, BLOCK_REGISTERS.STATUS), BlockStatus.OK);
  await migrate(source.device, target.device);
  const read = { REQUEST: BlockRequest.READ, SECTOR: 4, SECTORS: 3, BUFFER_LOW: 0x9000, TAG: 2 };
  set(target.device, read, BLOCK_REGISTERS);
  assert.equal(get(target.device, BLOCK_REGISTERS.DONE), 2);
  assert.deepEqual(
    Buffer.from(memory.bytes.subarray(0x9000, 0x9600)),
    Buffer.concat([Buffer.alloc(512), Buffer.alloc(1024, 0xab)]),
  );
  set(target.device, { SECTOR: 15, SECTORS: 2, TAG: 3 }, BLOCK_REGISTERS);
  assert.equal(get(target.device, BLOCK_REGISTERS.STATUS), BlockStatus.FAILED);
});

test('crypto: the key cannot be read but migrates', async () => {
  const memory = new TestMemory(1 << 20);
  const source = rig('crypto', {}, { memory });
  const target = rig('crypto', {}, { memory, seed: 2 });
  const key = Buffer.from('0123456789abcdef');
  for (const [index, name] of ['KEY0', 'KEY1', 'KEY2', 'KEY3'].entries()) {
    set(source.device, { [name]: key.readUInt32LE(index * 4) }, CRYPTO_REGISTERS);
  }
  assert.equal(get(source.device, CRYPTO_REGISTERS.KEY0), 0);
  await migrate(source.device, target.device);
  memory.write(0x4000, Buffer.from('a message'));
  set(target.device, { SOURCE_LOW: 0x4000, SOURCE_LENGTH: 9, TARGET_LOW: 0x6000, JOB: 1 }, CRYPTO_REGISTERS);
  assert.equal(get(target.device, CRYPTO_REGISTERS.DONE), 1);
  const expected = createHmac('sha256', key).update('a message').digest();
  assert.deepEqual(Buffer.from(memory.bytes.subarray(0x6000, 0x6020)), expected);
  set(target.device, { SOURCE_LENGTH: 2 ** 20 + 1, JOB: 2 }, CRYPTO_REGISTERS);
  assert.equal(get(target.device, CRYPTO_REGISTERS.JOB_ERRORS), 1);
});

test('registers: reads of any size, writes of whole registers, nothing outside of the region', async () => {
  const { device } = rig('nic');
  const bar0 = device.regions[0]!;
  const two = new Uint8Array(2);
  bar0.read(COMMON_REGISTERS.MAGIC.offset + 1, two);
  assert.equal(Buffer.from(two).toString(), 'DW');
  set(device, { MAGIC: 1, SCRATCH0: 7 }, COMMON_REGISTERS);
  assert.equal(get(device, COMMON_REGISTERS.MAGIC), 0x54574447);
  assert.equal(get(device, COMMON_REGISTERS.SCRATCH0), 7);
  assert.throws(() => bar0.write(COMMON_REGISTERS.SCRATCH0.offset, new Uint8Array(2)), { code: 'EINVAL' });
  assert.throws(() => bar0.write(COMMON_REGISTERS.SCRATCH0.offset + 2, new Uint8Array(4)), {
    code: 'EINVAL',
  });
  assert.throws(() => bar0.read(4094, new Uint8Array(4)), { code: 'EINVAL' });
  assert.throws(() => bar0.write(-4, new Uint8Array(4)), { code: 'EINVAL' });
  await device.setState(STOP);
  assert.equal(get(device, COMMON_REGISTERS.SCRATCH0), 7);
});
