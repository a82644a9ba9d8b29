import { randomFillSync } from 'node:crypto';
import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { createModel, DeviceState } from '@godwit/vfio';
import { DmaSpace, modelFunction, RemoteDevice, VfioUserClient, VfioUserServer } from '../src/index.js';

/** A measured rate in GiB/s, beside what it should at least be. */
export interface Rate {
  readonly name: string;
  readonly rate: number;
  readonly target: number;
}

const GIB = 2 ** 30;
const STATE_SIZE = 256 * 2 ** 20;
const RAM_SIZE = 64 * 2 ** 20;
const CHUNK = 2 ** 20;

/** DMA into mapped memory, and a device's state through a socket, both ends in this process. */
export async function transferRates(): Promise<Rate[]> {
  const { read, written } = await stateRates();
  return [
    { name: 'DMA write to mapped memory, 1 MiB at once', rate: dmaRate(CHUNK), target: 4 },
    { name: 'DMA write to mapped memory, 4 KiB at once', rate: dmaRate(4096), target: 4 },
    { name: 'migration data, read', rate: read, target: 1 },
    { name: 'migration data, written', rate: written, target: 1 },
  ];
}

function dmaRate(chunk: number): number {
  const native = requireNative('the benchmark');
  const space = new DmaSpace(native, 1);
  const fd = native.memfdCreate('ram', RAM_SIZE, { sealed: true });
  space.map({ address: 0, size: RAM_SIZE, readable: true, writable: true }, fd, 0);
  const data = randomFillSync(Buffer.alloc(chunk));
  let best = 0;
  for (let pass = 0; pass < 4; pass++) {
    const start = performance.now();
    for (let at = 0; at < RAM_SIZE; at += chunk) space.write(at, data);
    best = Math.max(best, RAM_SIZE / GIB / ((performance.now() - start) / 1000));
  }
  space.unmapAll();
  native.close(fd);
  return best;
}

async function stateRates(): Promise<{ read: number; written: number }> {
  const native = requireNative('the benchmark');
  const clock = new SystemClock();
  const open = async () => {
    const server = new VfioUserServer({
      native,
      clock,
      create: ({ memory }) =>
        modelFunction(
          createModel('gpu', { 'state-size': STATE_SIZE }, { clock, memory, random: Math.random }),
        ),
    });
    const [a, b] = native.socketpair();
    server.accept(a);
    const client = await VfioUserClient.connect(b, { native, clock });
    return { server, client, device: await RemoteDevice.of(client) };
  };
  const source = await open();
  const target = await open();
  const best = { read: 0, written: 0 };
  const buffer = new Uint8Array(CHUNK);
  for (let pass = 0; pass < 3; pass++) {
    const times = { read: 0, written: 0 };
    await source.device.setState(DeviceState.STOP_COPY);
    await target.device.setState(DeviceState.RESUMING);
    for (;;) {
      const start = performance.now();
      const result = await source.device.readData(buffer);
      times.read += performance.now() - start;
      if (result.kind !== 'data') break;
      const middle = performance.now();
      await target.device.writeData(buffer.subarray(0, result.length));
      times.written += performance.now() - middle;
    }
    await source.device.setState(DeviceState.RUNNING);
    await target.device.setState(DeviceState.RUNNING);
    best.read = Math.max(best.read, STATE_SIZE / GIB / (times.read / 1000));
    best.written = Math.max(best.written, STATE_SIZE / GIB / (times.written / 1000));
  }
  for (const { server, client } of [source, target]) {
    client.close();
    server.close();
    server.device.migration?.close();
  }
  return best;
}
