import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { native, nativeUnavailableReason } from '@godwit/native';
import type { QmpEvent } from '@godwit/qmp';
import { COMMON_REGISTERS, DEVICE_MAGIC, DeviceState, InterruptCause, wrongDmaPages } from '@godwit/vfio';
import { PciIrq, PciRegion, RemoteDevice, VfioUserClient } from '@godwit/vfio-user';
import { configurationFrom, parseCommandLine } from '../../src/options/index.js';
import { createTestMachine, device, eventsOf, execute, type TestMachine } from '../support/test-machine.js';
import { remote } from './served-model.js';

const MIB = 2 ** 20;
/** A guest that turns to its devices some sixteen times a second. */
const busy = { dirtyRate: 64 * MIB, workingSet: MIB, fill: false };
const needsAddon = native === undefined ? { skip: nativeUnavailableReason ?? true } : {};

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Descriptors of this process that were there before a test are all that may be there after it. */
let descriptors: number;
const openDescriptors = () => readdirSync('/proc/self/fd').length;
beforeEach(() => {
  descriptors = openDescriptors();
});
afterEach(() => {
  assert.equal(openDescriptors(), descriptors, 'no descriptor is left');
  assert.deepEqual(readdirSync(folder), [], 'no socket is left');
});

const server = (path: string, name = 'nic') => ({
  type: 'x-vfio-user-server',
  id: 'vfu',
  properties: { socket: { type: 'unix', path }, device: name },
});

/** object-add of a server for the device `nic`. */
function exportNic(machine: TestMachine, path: string): Promise<unknown> {
  const { type, id, properties } = server(path);
  return execute(machine, 'object-add', { 'qom-type': type, id, ...properties });
}

async function connected(clock: VirtualClock, path: string): Promise<VfioUserClient> {
  let client: VfioUserClient | undefined;
  const connecting = VfioUserClient.connect(path, { native: native!, clock }).then((each) => {
    client = each;
  });
  await clock.advanceUntil(() => client !== undefined);
  await connecting;
  return client!;
}

async function readRegister(client: VfioUserClient, { offset }: { offset: number }): Promise<number> {
  const word = Buffer.alloc(4);
  await client.readRegion(PciRegion.BAR0, offset, word);
  return word.readUInt32LE();
}

async function writeRegister(
  client: VfioUserClient,
  { offset }: { offset: number },
  value: number,
): Promise<void> {
  const word = Buffer.alloc(4);
  word.writeUInt32LE(value);
  await client.writeRegion(PciRegion.BAR0, offset, word);
}

test(
  'an exported device is its client’s alone: registers, DMA into its memory, interrupts and migration',
  needsAddon,
  async () => {
    const path = join(folder, 'nic');
    const clock = new VirtualClock(1_700_000_000_000_000);
    const machine = await createTestMachine({
      clock,
      devices: [device('nic', { model: 'nic' })],
      objects: [server(path)],
      accelerator: busy,
    });
    const hangups: QmpEvent[] = [];
    machine.client.on('VFU_CLIENT_HANGUP', (event) => hangups.push(event));
    const client = await connected(clock, path);
    assert.equal(await readRegister(client, COMMON_REGISTERS.MAGIC), DEVICE_MAGIC);

    const fd = native!.memfdCreate('client', MIB);
    const view = native!.mmap(fd, 0, MIB, true);
    const bytes = new Uint8Array(view);
    await client.mapMemory({ address: 0x10_0000, bytes, file: { fd, offset: 0 } });
    const eventfd = native!.eventfd(0);
    await client.setIrqs(PciIrq.MSIX, 0, [eventfd]);
    await writeRegister(client, COMMON_REGISTERS.DMA_BASE_LOW, 0x10_1000);
    await writeRegister(client, COMMON_REGISTERS.DMA_LENGTH, 8192);
    await writeRegister(client, COMMON_REGISTERS.INTERRUPT_ENABLE, InterruptCause.DOORBELL);
    await writeRegister(client, COMMON_REGISTERS.DOORBELL, 1);
    assert.equal(native!.readEventfd(eventfd), 1);
    const memory = {
      read: (address: number, into: Uint8Array) =>
        into.set(bytes.subarray(address - 0x10_0000, address - 0x10_0000 + into.length)),
    };
    assert.deepEqual(wrongDmaPages(memory, { base: 0x10_1000, length: 8192 }, 1), []);

    // The machine leaves it alone, whatever its guest does.
    await clock.advance(500);
    assert.equal(machine.machine.hardware.accelerator.report().deviceAccesses, 0);
    assert.deepEqual(await eventsOf(machine, 'stop'), ['STOP']);
    assert.equal(machine.machine.hardware.devices[0]!.device.state, DeviceState.RUNNING);
    const reason = "nic: the device is exported by x-vfio-user-server 'vfu'";
    await assert.rejects(execute(machine, 'migrate', { uri: `unix:${path}-nowhere` }), { message: reason });
    await assert.rejects(execute(machine, 'device_del', { id: 'nic' }), {
      message: 'vfu: x-vfio-user-server for nic must be deleted before unplugging',
    });
    await execute(machine, 'system_reset');
    assert.equal(await readRegister(client, COMMON_REGISTERS.DMA_PAGES), 1);
    const moving = await RemoteDevice.of(client);
    await moving.setState(DeviceState.STOP_COPY);
    assert.equal((await moving.readData(new Uint8Array(4096))).kind, 'data');
    await execute(machine, 'cont');

    client.close();
    await clock.advanceUntil(() => hangups.length > 0 && !existsSync(path));
    assert.deepEqual(
      hangups.map(({ data }) => ({ ...(data as object) })),
      [
        {
          'vfu-id': 'vfu',
          'vfu-qom-path': '/objects/vfu',
          'dev-id': 'nic',
          'dev-qom-path': '/machine/peripheral/nic',
        },
      ],
    );
    // The object is gone, and the guest finds the device as after power-on.
    await assert.rejects(execute(machine, 'qom-list', { path: '/objects/vfu' }), /not found/);
    const { accelerator } = machine.machine.hardware;
    await clock.advanceUntil(() => accelerator.report().deviceInterrupts >= 4);
    assert.equal(accelerator.report().deviceFaults, 0);
    assert.deepEqual(await eventsOf(machine, 'stop'), ['nic running-p2p', 'nic stop', 'STOP']);
    await machine.close();
    native!.close(eventfd);
    native!.munmap(view);
    native!.close(fd);
  },
);

test(
  'a machine uses a device that another machine exports, and takes it along to a third machine',
  needsAddon,
  async () => {
    const clock = new VirtualClock(1_700_000_000_000_000);
    const paths = ['near', 'far'].map((name) => join(folder, name));
    const exporters = await Promise.all(
      paths.map((path) =>
        createTestMachine({
          clock,
          startStopped: true,
          devices: [device('nic', { model: 'nic', 'dma-rate': MIB })],
          objects: [server(path)],
        }),
      ),
    );
    const source = await createTestMachine({ clock, devices: [remote(paths[0]!)], accelerator: busy });
    const destination = await createTestMachine({
      clock,
      devices: [remote(paths[1]!)],
      incoming: 'defer',
      accelerator: busy,
    });
    const interrupts = ({ machine }: TestMachine) => machine.hardware.accelerator.report().deviceInterrupts;
    await clock.advanceUntil(() => interrupts(source) >= 5);
    const uri = `unix:${join(folder, 'migration')}`;
    await execute(destination, 'migrate-incoming', { uri });
    await execute(source, 'migrate', { uri });
    await clock.advanceUntil(() => destination.events.includes('MIGRATION completed'));
    const before = interrupts(destination);
    await clock.advanceUntil(() => interrupts(destination) >= before + 5);
    assert.equal(destination.machine.hardware.accelerator.report().deviceFaults, 0);
    const [audit] = await destination.machine.hardware.auditDevices();
    assert.ok(audit!.blocks > 0 && audit!.dmaPages > 0);
    assert.deepEqual([audit!.errors, audit!.dmaErrors], [0, 0]);
    for (const [index, user] of [source, destination].entries()) {
      await user.close();
      await clock.advanceUntil(() => exporters[index]!.events.includes('VFU_CLIENT_HANGUP'));
    }
    await clock.advanceUntil(() => paths.every((path) => !existsSync(path)));
    for (const exporter of exporters) await exporter.close();
  },
);

test('object-del and object-add give a device back and export it anew', needsAddon, async () => {
  const path = join(folder, 'again');
  const clock = new VirtualClock();
  const machine = await createTestMachine({ clock, devices: [device('nic')], accelerator: busy });
  for (let round = 0; round < 2; round++) {
    await exportNic(machine, path);
    assert.ok(existsSync(path));
    const client = await connected(clock, path);
    await execute(machine, 'object-del', { id: 'vfu' });
    assert.equal(existsSync(path), false);
    await clock.advanceUntil(() => client.closed);
  }
  assert.equal(machine.events.includes('VFU_CLIENT_HANGUP'), false, 'the client did not hang up');
  const { accelerator } = machine.machine.hardware;
  await clock.advanceUntil(() => accelerator.report().deviceAccesses >= 4);
  assert.equal(accelerator.report().deviceFaults, 0);
  await machine.close();
});

test('a device that is exported while the guest is stopped is given back stopped', needsAddon, async () => {
  const path = join(folder, 'stopped');
  const machine = await createTestMachine({ devices: [device('nic')] });
  await execute(machine, 'stop');
  await exportNic(machine, path);
  const state = () => machine.machine.hardware.devices[0]!.device.state;
  assert.equal(state(), DeviceState.RUNNING);
  assert.deepEqual(await eventsOf(machine, 'object-del', { id: 'vfu' }), []);
  assert.equal(state(), DeviceState.STOP);
  await exportNic(machine, path);
  await execute(machine, 'cont');
  assert.deepEqual(await eventsOf(machine, 'object-del', { id: 'vfu' }), ['nic running']);
  await machine.close();
});

test('no device is exported while it is moved', needsAddon, async () => {
  const path = join(folder, 'moved');
  const clock = new VirtualClock(1_700_000_000_000_000);
  const devices = [device('nic', { 'state-size': 4 * MIB })];
  const source = await createTestMachine({ clock, devices });
  const destination = await createTestMachine({ clock, devices, incoming: 'defer' });
  const uri = `unix:${join(folder, 'migration')}`;
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': MIB });
  await execute(destination, 'migrate-incoming', { uri });
  await execute(source, 'migrate', { uri });
  await clock.advanceUntil(() => source.events.includes('nic pre-copy'));
  await assert.rejects(exportNic(source, path), { message: 'object-add not allowed while migrating' });
  assert.equal(existsSync(path), false);
  await execute(source, 'migrate_cancel');
  await clock.advanceUntil(() => source.events.includes('MIGRATION cancelled'));
  await clock.advanceUntil(() => source.events.at(-1) === 'nic running');
  await exportNic(source, path);
  await source.close();
  await destination.close();
});

test('what is wrong with a server is said in QEMU’s words, and leaves nothing', needsAddon, async () => {
  const occupied = join(folder, 'occupied');
  const machine = await createTestMachine({
    devices: [device('nic'), device('taken')],
    objects: [{ ...server(occupied, 'taken'), id: 'other' }],
  });
  const path = join(folder, 'wrong');
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const unix = { type: 'unix', path };
  for (const [properties, message] of [
    [{ socket: unix, device: 'nobody' }, 'vfu: Device nobody not found'],
    [
      { socket: unix, device: 'taken' },
      'vfu: Failed to attach PCI device taken to context - Device or resource busy',
    ],
    [
      { socket: { type: 'unix', path: occupied }, device: 'nic' },
      'vfu: Failed to create context - Address already in use',
    ],
    [
      { socket: { type: 'unix', path: file }, device: 'nic' },
      'vfu: Failed to create context - Address already in use',
    ],
    [
      { socket: { type: 'unix', path: `/${'x'.repeat(107)}` }, device: 'nic' },
      'vfu: Failed to create context - File name too long',
    ],
    [
      { socket: { type: 'unix', path: '/nonexistent/x' }, device: 'nic' },
      'vfu: Failed to create context - No such file or directory',
    ],
    [
      { socket: { type: 'inet', host: 'localhost', port: '0' }, device: 'nic' },
      'vfu: Unsupported socket type - inet',
    ],
    [{ device: 'nic' }, "Parameter 'socket' is missing"],
    [{ socket: unix }, "Parameter 'device' is missing"],
    [{ socket: { type: 'unix' }, device: 'nic' }, "Parameter 'socket.path' is missing"],
    [{ socket: { ...unix, type: 'pipe' }, device: 'nic' }, "Parameter 'type' does not accept value 'pipe'"],
  ] as const) {
    const before = openDescriptors();
    await assert.rejects(
      execute(machine, 'object-add', { 'qom-type': 'x-vfio-user-server', id: 'vfu', ...properties }),
      { message },
    );
    assert.equal(openDescriptors(), before, message);
    assert.equal(existsSync(path), false);
  }
  rmSync(file);
  for (const property of ['socket', 'device']) {
    await assert.rejects(
      execute(machine, 'qom-set', {
        path: '/objects/other',
        property,
        value: property === 'device' ? 'nic' : unix,
      }),
      { message: `vfu: Unable to set ${property} property - server busy` },
    );
    await assert.rejects(execute(machine, 'qom-get', { path: '/objects/other', property }), {
      message: `Property 'x-vfio-user-server.${property}' is not readable`,
    });
  }
  await machine.close();
});

for (const [what, say] of [
  ['talks nonsense', Buffer.alloc(64, 0xff)],
  ['says nothing', Buffer.alloc(0)],
] as const) {
  test(`a peer that ${what} is turned away, and the next is served`, needsAddon, async () => {
    const path = join(folder, 'peers');
    const clock = new VirtualClock();
    const machine = await createTestMachine({ clock, devices: [device('nic')], objects: [server(path)] });
    const stranger = native!.connectUnix(path);
    if (say.length > 0) native!.sendmsg(stranger, [say], []);
    await clock.advanceUntil(() => machine.warnings.length > 0);
    native!.close(stranger);
    assert.match(machine.warnings[0]!, /^\/objects\/vfu: /);
    const client = await connected(clock, path);
    assert.equal(machine.events.includes('VFU_CLIENT_HANGUP'), false);
    client.close();
    await clock.advanceUntil(() => machine.events.includes('VFU_CLIENT_HANGUP') && !existsSync(path));
    await machine.close();
  });
}

test(
  'a server waits for the machine to be built, and a machine may be there for it alone',
  needsAddon,
  async () => {
    const path = join(folder, 'preconfig');
    const clock = new VirtualClock();
    const machine = await createTestMachine({
      clock,
      preconfig: true,
      autoShutdown: true,
      devices: [device('nic')],
      capabilities: [],
    });
    await exportNic(machine, path);
    assert.equal(existsSync(path), false);
    await execute(machine, 'x-exit-preconfig');
    const client = await connected(clock, path);
    client.close();
    const { reason } = await (async () => {
      let ended = false;
      const end = machine.machine.ended.finally(() => {
        ended = true;
      });
      await clock.advanceUntil(() => ended);
      return end;
    })();
    assert.equal(reason, 'guest-shutdown');
    await machine.close();
  },
);

for (const text of [
  'x-vfio-user-server,id=vfu,type=unix,path=PATH,device=nic',
  'x-vfio-user-server,id=vfu,socket.type=unix,socket.path=PATH,device=nic',
  '{"qom-type":"x-vfio-user-server","id":"vfu","socket":{"type":"unix","path":"PATH"},"device":"nic"}',
]) {
  test(`-object ${text}`, needsAddon, async () => {
    const path = join(folder, 'line');
    const line = ['-device', 'vfio-model,id=nic', '-object', text.replace('PATH', path)];
    const { devices, objects } = configurationFrom(parseCommandLine(line));
    const machine = await createTestMachine({ devices, objects });
    assert.ok(existsSync(path));
    await machine.close();
  });
}
