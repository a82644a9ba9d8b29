import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { native } from '@godwit/native';
import { DEVICE_MAGIC } from '@godwit/vfio';
import { createTestMachine, eventsOf, execute, type TestMachine } from '../support/test-machine.js';
import { remote, serveModel } from './served-model.js';

const MIB = 2 ** 20;
/** A guest that turns to its devices some sixteen times a second. */
const busy = { dirtyRate: 64 * MIB, workingSet: MIB, fill: false };

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
afterEach(() => assert.equal(openDescriptors(), descriptors, 'no descriptor is left'));

async function guest(machine: TestMachine, property: string): Promise<number> {
  return Number(await execute(machine, 'qom-get', { path: '/machine/guest', property }));
}

interface Audited {
  readonly blocks: number;
  readonly errors: number;
  readonly 'dma-pages': number;
  readonly 'dma-errors': number;
}

async function audited(machine: TestMachine): Promise<Audited> {
  const audits = await execute(machine, 'qom-get', { path: '/machine/guest', property: 'device-audit' });
  return (audits as Audited[])[0]!;
}

async function humanMonitor(machine: TestMachine, line: string): Promise<string> {
  return String(await execute(machine, 'human-monitor-command', { 'command-line': line }));
}

function deviceState(machine: TestMachine): Promise<unknown> {
  return execute(machine, 'qom-get', { path: '/machine/peripheral/r', property: 'migration-state' });
}

if (native === undefined) {
  test('without the addon a vfio-user device says what it needs', async () => {
    await assert.rejects(createTestMachine({ devices: [remote('/x')] }), /needs the native addon/);
  });
} else {
  for (const interrupt of ['msix', 'intx'] as const) {
    test(`the guest uses registers, DMA and interrupts (${interrupt}) of a device of another process`, async () => {
      const path = join(folder, interrupt);
      const clock = new VirtualClock();
      const server = serveModel(path, clock, { model: 'nic', properties: { 'dma-rate': MIB }, interrupt });
      const machine = await createTestMachine({ clock, devices: [remote(path)], accelerator: busy });
      await execute(machine, 'cont');
      await clock.advanceUntil(() => machine.machine.hardware.accelerator.report().deviceInterrupts >= 20);
      assert.equal(await guest(machine, 'device-faults'), 0);
      assert.ok((await guest(machine, 'device-accesses')) >= 20);
      const audit = await audited(machine);
      assert.ok(audit.blocks > 0 && audit['dma-pages'] > 0);
      assert.deepEqual([audit.errors, audit['dma-errors']], [0, 0]);
      await machine.close();
      server.close();
      server.model.close();
    });
  }

  test('what the server lets the machine map is reached without it', async () => {
    assert.ok(native !== undefined);
    const path = join(folder, 'mapped');
    const clock = new VirtualClock();
    const fd = native.memfdCreate('registers', 4096);
    const view = native.mmap(fd, 0, 4096, true);
    new DataView(view).setUint32(0, DEVICE_MAGIC, true);
    const asked: number[] = [];
    const server = serveModel(path, clock, {
      registers: () => ({
        size: 4096,
        read: (offset) => void asked.push(offset),
        write: (offset) => void asked.push(offset),
        mapping: { fd, offset: 0 },
      }),
    });
    const machine = await createTestMachine({ clock, devices: [remote(path)], accelerator: busy });
    await clock.advanceUntil(() => machine.machine.hardware.accelerator.report().deviceAccesses >= 4);
    assert.equal(await guest(machine, 'device-faults'), 0);
    assert.deepEqual(asked, []);
    await machine.close();
    server.close();
    server.model.close();
    native.munmap(view);
    native.close(fd);
  });

  test('a device of another process stops, starts and migrates with the machine, while the guest uses it', async () => {
    const clock = new VirtualClock(1_700_000_000_000_000);
    const options = { properties: { 'dma-rate': MIB } };
    const near = serveModel(join(folder, 'near'), clock, options);
    const far = serveModel(join(folder, 'far'), clock, options);
    const machineOptions = { clock, accelerator: busy };
    const source = await createTestMachine({ ...machineOptions, devices: [remote(join(folder, 'near'))] });
    const destination = await createTestMachine({
      ...machineOptions,
      devices: [remote(join(folder, 'far'))],
      incoming: 'defer',
    });
    assert.deepEqual(await eventsOf(source, 'stop'), ['r running-p2p', 'r stop', 'STOP']);
    assert.deepEqual(await eventsOf(source, 'cont'), ['RESUME', 'r running-p2p', 'r running']);
    await clock.advanceUntil(() => source.machine.hardware.accelerator.report().deviceInterrupts >= 5);
    const uri = `unix:${join(folder, 'migration')}`;
    await execute(destination, 'migrate-incoming', { uri });
    await execute(source, 'migrate', { uri });
    await clock.advanceUntil(() => destination.events.includes('MIGRATION completed'));
    await clock.advanceUntil(() => source.events.at(-1) === 'r stop');
    assert.deepEqual(
      destination.events.filter((event) => event.startsWith('r ')),
      ['r resuming', 'r running-p2p', 'r running'],
    );
    const { accelerator } = destination.machine.hardware;
    const before = accelerator.report();
    await clock.advanceUntil(() => accelerator.report().deviceInterrupts >= before.deviceInterrupts + 5);
    assert.equal(await guest(destination, 'device-faults'), 0);
    const audit = await audited(destination);
    assert.ok(audit.blocks > 0 && audit['dma-pages'] > 0);
    assert.deepEqual([audit.errors, audit['dma-errors']], [0, 0]);
    const { lost, torn, repeated } = (await execute(destination, 'qom-get', {
      path: '/machine/guest',
      property: 'audit',
    })) as Record<string, number>;
    assert.deepEqual([lost, torn, repeated], [0, 0, 0]);
    await source.close();
    await destination.close();
    for (const { model, close } of [near, far]) {
      close();
      model.close();
    }
    assert.deepEqual(readdirSync(folder), []);
  });

  test('a device of another process comes, is in a snapshot, goes and comes again while the guest runs', async () => {
    const path = join(folder, 'hot');
    const snapshotFolder = mkdtempSync(join(tmpdir(), 'godwit-'));
    const clock = new VirtualClock(1_700_000_000_000_000);
    const server = serveModel(path, clock);
    const machine = await createTestMachine({ clock, accelerator: busy, snapshotFolder });
    const add = () =>
      execute(machine, 'device_add', { driver: 'vfio-user-pci', id: 'r', socket: { type: 'unix', path } });
    const { accelerator } = machine.machine.hardware;
    const interruptsMore = async () => {
      const { deviceInterrupts } = accelerator.report();
      await clock.advanceUntil(() => accelerator.report().deviceInterrupts >= deviceInterrupts + 4);
    };
    await add();
    await interruptsMore();
    assert.equal(await humanMonitor(machine, 'savevm s'), '');
    await interruptsMore();
    assert.equal(await humanMonitor(machine, 'loadvm s'), '');
    await interruptsMore();
    const audit = await audited(machine);
    assert.deepEqual([audit.errors, audit['dma-errors']], [0, 0]);
    await execute(machine, 'device_del', { id: 'r' });
    await clock.advanceUntil(() => machine.events.includes('DEVICE_DELETED') && !server.connected());
    await add();
    await interruptsMore();
    assert.equal(await guest(machine, 'device-faults'), 0);
    assert.deepEqual(machine.warnings, []);
    await machine.close();
    server.close();
    server.model.close();
    rmSync(snapshotFolder, { recursive: true });
  });

  test('what the guest wrote to the configuration space moves with the device', async () => {
    const clock = new VirtualClock(1_700_000_000_000_000);
    const near = serveModel(join(folder, 'near'), clock, { model: 'nic' });
    const far = serveModel(join(folder, 'far'), clock, { model: 'nic' });
    const source = await createTestMachine({ clock, devices: [remote(join(folder, 'near'))] });
    const destination = await createTestMachine({
      clock,
      devices: [remote(join(folder, 'far'))],
      incoming: 'defer',
    });
    const INTERRUPT_LINE = 0x3c;
    const config = ({ machine }: TestMachine) => machine.hardware.devices[0]!.config!;
    await config(source).write(INTERRUPT_LINE, Uint8Array.of(11));
    const uri = `unix:${join(folder, 'migration')}`;
    await execute(destination, 'migrate-incoming', { uri });
    await execute(source, 'migrate', { uri });
    await clock.advanceUntil(() => destination.events.includes('MIGRATION completed'));
    const line = new Uint8Array(1);
    await config(destination).read(INTERRUPT_LINE, line);
    assert.equal(line[0], 11);
    await source.close();
    await destination.close();
    for (const { model, close } of [near, far]) {
      close();
      model.close();
    }
  });

  test('a server that leaves is told; the guest runs on and reads ones, and migration is blocked for that', async () => {
    const path = join(folder, 'leaves');
    const clock = new VirtualClock();
    const server = serveModel(path, clock);
    const machine = await createTestMachine({ clock, devices: [remote(path)], accelerator: busy });
    const { hardware } = machine.machine;
    await clock.advanceUntil(() => hardware.accelerator.report().deviceAccesses >= 4);
    server.close();
    await clock.advanceUntil(() => hardware.devices[0]!.failure !== undefined);
    assert.match(machine.warnings.join(), /^r: the vfio-user server is gone/);
    assert.equal(await deviceState(machine), 'error');
    const { pagesWritten } = hardware.accelerator.report();
    await clock.advanceUntil(() => hardware.accelerator.report().deviceFaults > 0);
    assert.equal(machine.machine.guest.runState, 'running');
    await clock.advanceUntil(() => hardware.accelerator.report().pagesWritten > pagesWritten + 1000);
    const window = new Uint8Array(4);
    await hardware.bus.access('read', 'mmio', hardware.bus.ranges('mmio')[0]!.base, window);
    assert.deepEqual([...window], [0xff, 0xff, 0xff, 0xff]);
    assert.equal((await audited(machine)).blocks, 0);
    assert.match(await humanMonitor(machine, 'info vfio'), /: error \(the vfio-user server is gone/);
    const reasons = (await execute(machine, 'query-migrate')) as { 'blocked-reasons'?: string[] };
    assert.match(String(reasons['blocked-reasons']), /^r: the vfio-user server is gone/);
    await assert.rejects(execute(machine, 'migrate', { uri: `unix:${path}-nowhere` }), {
      message: /^r: the vfio-user server is gone/,
    });
    assert.deepEqual(await eventsOf(machine, 'stop'), ['STOP']);
    await execute(machine, 'system_reset');
    assert.deepEqual(await eventsOf(machine, 'cont'), ['RESUME']);
    await execute(machine, 'device_del', { id: 'r' });
    assert.deepEqual(Object.keys((await execute(machine, 'query-migrate')) as object), []);
    await machine.close();
    server.model.close();
  });

  for (const kind of ['leaves', 'hangs'] as const) {
    test(`a server that ${kind} at whatever it is asked costs the device, and nothing else`, async () => {
      const clock = new VirtualClock();
      const machine = await createTestMachine({ clock, accelerator: busy });
      const { hardware } = machine.machine;
      const path = join(folder, kind);
      let refused = 0;
      for (let after = 1, whole = false; !whole; after++) {
        const before = openDescriptors();
        const server = serveModel(path, clock, { fault: { after, kind } });
        const added = await execute(machine, 'device_add', {
          driver: 'vfio-user-pci',
          id: 'r',
          socket: path,
          'x-msg-timeout': 50,
        }).then(
          () => true,
          (error: Error) => {
            assert.match(error.message, /^(Failed to connect to '|vfio vfio-user:)/);
            return false;
          },
        );
        if (added) {
          // It came as far as the guest's use of it, or was not asked so often at all.
          await clock.advance(300);
          whole = hardware.devices[0]!.failure === undefined;
          await execute(machine, 'device_del', { id: 'r' });
        } else refused++;
        server.close();
        server.model.close();
        await clock.advanceUntil(() => !server.connected());
        assert.equal(openDescriptors(), before, `after ${after}`);
      }
      assert.ok(refused > 10, `${refused} refused`);
      assert.equal(machine.machine.guest.runState, 'running');
      await machine.close();
    });
  }

  test('a server that hangs is given up after its time; the machine can be stopped meanwhile', async () => {
    const path = join(folder, 'hangs');
    const clock = new VirtualClock();
    let hangs = false;
    const server = serveModel(path, clock, {
      registers: (region) => ({
        ...region,
        read: (offset, into) => (hangs ? new Promise<void>(() => {}) : region.read!(offset, into)),
      }),
    });
    const device = remote(path, { 'x-msg-timeout': 300 });
    const machine = await createTestMachine({ clock, devices: [device], accelerator: busy });
    const { hardware } = machine.machine;
    await clock.advanceUntil(() => hardware.accelerator.report().deviceAccesses >= 4);
    hangs = true;
    const hungAt = clock.now();
    const { pagesWritten } = hardware.accelerator.report();
    await clock.advance(100);
    await execute(machine, 'query-status');
    assert.deepEqual(await eventsOf(machine, 'stop'), ['STOP']);
    assert.ok(clock.now() - hungAt <= 1000);
    assert.equal(await deviceState(machine), 'error');
    assert.match(machine.warnings.join(), /r: the vfio-user server is gone: no reply to REGION_READ in time/);
    await execute(machine, 'cont');
    await clock.advanceUntil(() => hardware.accelerator.report().pagesWritten > pagesWritten + 2000);
    await machine.close();
    server.close();
    server.model.close();
  });

  for (const kind of ['leaves', 'hangs'] as const) {
    test(`a server that ${kind} in the middle of a migration fails it, and the guest stays`, async () => {
      const clock = new VirtualClock(1_700_000_000_000_000);
      const near = serveModel(join(folder, 'near'), clock, { properties: { 'state-size': 4 * MIB } });
      const far = serveModel(join(folder, 'far'), clock, { properties: { 'state-size': 4 * MIB } });
      const source = await createTestMachine({
        clock,
        devices: [remote(join(folder, 'near'))],
        accelerator: busy,
      });
      const destination = await createTestMachine({
        clock,
        devices: [remote(join(folder, 'far'))],
        incoming: 'defer',
        accelerator: busy,
      });
      const uri = `unix:${join(folder, 'migration')}`;
      await execute(source, 'migrate-set-parameters', { 'max-bandwidth': MIB });
      await execute(destination, 'migrate-incoming', { uri });
      await execute(source, 'migrate', { uri });
      await clock.advanceUntil(() => source.events.includes('r pre-copy'));
      if (kind === 'leaves') near.close();
      else near.hang();
      await clock.advanceUntil(() => source.events.includes('MIGRATION failed'));
      const info = (await execute(source, 'query-migrate')) as { 'error-desc': string };
      assert.match(info['error-desc'], /^device 'r': the vfio-user server failed: /);
      assert.equal(source.machine.guest.runState, 'running');
      const { accelerator } = source.machine.hardware;
      const { pagesWritten } = accelerator.report();
      await clock.advanceUntil(() => accelerator.report().pagesWritten > pagesWritten + 1000);
      await source.close();
      await destination.close();
      for (const { model, close } of [near, far]) {
        close();
        model.close();
      }
    });
  }

  test('a server without migration is used all the same, and blocks', async () => {
    const path = join(folder, 'immovable');
    const clock = new VirtualClock();
    const server = serveModel(path, clock, { migration: false });
    const machine = await createTestMachine({ clock, devices: [remote(path)], accelerator: busy });
    await clock.advanceUntil(() => machine.machine.hardware.accelerator.report().deviceInterrupts >= 4);
    assert.deepEqual(await eventsOf(machine, 'stop'), ['STOP']);
    await assert.rejects(execute(machine, 'migrate', { uri: `unix:${path}-nowhere` }), {
      message: 'r: VFIO migration is not supported in kernel',
    });
    await machine.close();
    server.close();
    server.model.close();
  });

  for (const [what, properties, message] of [
    ['no socket', {}, /^No socket specified$/],
    [
      'a path where nobody serves',
      { socket: '/nobody' },
      /^Failed to connect to '\/nobody': No such file or directory$/,
    ],
    ['another kind of socket', { socket: { type: 'fd', str: '3' } }, /^Unsupported socket type fd$/],
    ['an address that is none', { socket: { type: 'unix' } }, /^Parameter '(socket\.)?path' is missing$/],
    [
      'a property that it has not',
      { socket: '/x', colour: 'red' },
      /^Property 'vfio-user-pci.colour' not found$/,
    ],
    [
      'a value and members',
      { socket: '/x', 'socket.path': '/y' },
      /^Parameters 'socket\.\*' used inconsistently$/,
    ],
  ] as const) {
    test(`${what} is refused in QEMU's words`, async () => {
      const device = { type: 'vfio-user-pci', id: 'r', properties };
      await assert.rejects(createTestMachine({ devices: [device] }), { message });
    });
  }

  test('the command line gives the socket as a path, by keys with dots, or as JSON', async () => {
    const path = join(folder, 'forms');
    const clock = new VirtualClock();
    const server = serveModel(path, clock);
    for (const properties of [
      { socket: path },
      { 'socket.type': 'unix', 'socket.path': path },
      { socket: { type: 'unix', path } },
    ]) {
      const machine = await createTestMachine({ clock, devices: [{ type: 'vfio-user-pci', properties }] });
      await machine.close();
      await clock.advanceUntil(() => !server.connected());
    }
    server.close();
    server.model.close();
  });
}
