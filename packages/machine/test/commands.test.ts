import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestMachine, device, eventsOf, execute, type TestMachine } from './support/test-machine.js';

/** A reply as plain objects, to be compared. */
async function reply(machine: TestMachine, command: string, args?: object): Promise<unknown> {
  const value = await execute(machine, command, args);
  return JSON.parse(
    JSON.stringify(value, (_, member) => (typeof member === 'bigint' ? String(member) : member)) ?? 'null',
  );
}

test('before x-exit-preconfig only what is allowed then is executed', async () => {
  const machine = await createTestMachine({ preconfig: true, name: 'early', devices: [device('d')] });
  assert.deepEqual(await reply(machine, 'query-name'), { name: 'early' });
  assert.deepEqual(await reply(machine, 'query-status'), { running: false, status: 'prelaunch' });
  await execute(machine, 'object-add', { 'qom-type': 'iothread', id: 'io0' });
  for (const command of ['stop', 'query-cpus-fast', 'query-migrate', 'device_add']) {
    await assert.rejects(execute(machine, command), {
      errorClass: 'GenericError',
      message: `The command '${command}' is permitted only after machine initialization has completed`,
    });
  }
  assert.deepEqual(await eventsOf(machine, 'x-exit-preconfig'), ['RESUME']);
  assert.deepEqual(await reply(machine, 'query-status'), { running: true, status: 'running' });
  await assert.rejects(execute(machine, 'x-exit-preconfig'), {
    errorClass: 'GenericError',
    message: 'The command is permitted only before machine initialization',
  });
  await machine.close();
});

test('preconfig ends in the state that -S and -incoming ask for', async () => {
  const stopped = await createTestMachine({ preconfig: true, startStopped: true });
  assert.deepEqual(await eventsOf(stopped, 'x-exit-preconfig'), []);
  assert.deepEqual(await reply(stopped, 'query-status'), { running: false, status: 'prelaunch' });
  await stopped.close();
  const incoming = await createTestMachine({ preconfig: true, incoming: 'defer' });
  assert.deepEqual(await eventsOf(incoming, 'x-exit-preconfig'), []);
  assert.deepEqual(await reply(incoming, 'query-status'), { running: false, status: 'inmigrate' });
  await incoming.close();
});

test('names, UUIDs and sizes are those of the command line, and left out where there are none', async () => {
  const plain = await createTestMachine();
  assert.deepEqual(await reply(plain, 'query-name'), {});
  assert.deepEqual(await reply(plain, 'query-uuid'), { UUID: '00000000-0000-0000-0000-000000000000' });
  assert.deepEqual(await reply(plain, 'query-memory-size-summary'), {
    'base-memory': 8 * 1024 ** 2,
    'plugged-memory': 0,
  });
  assert.deepEqual(await reply(plain, 'query-iothreads'), []);
  assert.deepEqual(await reply(plain, 'query-fdsets'), []);
  await plain.close();
});

test('vCPUs are listed with their place in the topology', async () => {
  const topology = { cpus: 3, maxCpus: 4, sockets: 2, dies: 1, clusters: 1, cores: 1, threads: 2 };
  const machine = await createTestMachine({ topology });
  const cpus = (await reply(machine, 'query-cpus-fast')) as { props: object; 'qom-path': string }[];
  assert.deepEqual(
    cpus.map(({ props }) => props),
    [
      { 'socket-id': 0, 'core-id': 0, 'thread-id': 0 },
      { 'socket-id': 0, 'core-id': 0, 'thread-id': 1 },
      { 'socket-id': 1, 'core-id': 0, 'thread-id': 0 },
    ],
  );
  assert.equal(await reply(machine, 'qom-get', { path: cpus[1]?.['qom-path'], property: 'type' }), 'sim-cpu');
  await machine.close();
});

test('iothreads keep 64-bit settings exactly, and refuse what is out of range', async () => {
  const machine = await createTestMachine();
  const exact = 9007199254740993n;
  await execute(machine, 'object-add', { 'qom-type': 'iothread', id: 'io0', 'poll-max-ns': exact });
  const [thread] = (await execute(machine, 'query-iothreads')) as Record<string, unknown>[];
  assert.equal(thread?.['poll-max-ns'], exact);
  await execute(machine, 'qom-set', { path: '/objects/io0', property: 'poll-grow', value: 4 });
  assert.equal(await reply(machine, 'qom-get', { path: 'io0', property: 'poll-grow' }), 4);
  const refusals = [
    [
      'qom-set',
      { path: '/objects/io0', property: 'poll-grow', value: -1 },
      'poll-grow value must be in range [0, 9223372036854775807]',
    ],
    [
      'qom-set',
      { path: '/objects/io0', property: 'poll-grow', value: 'x' },
      "Invalid parameter type for 'poll-grow', expected: integer",
    ],
    [
      'qom-set',
      { path: '/objects/io0', property: 'thread-id', value: 1 },
      "Property 'iothread.thread-id' not found",
    ],
    [
      'object-add',
      { 'qom-type': 'iothread', id: 'io0' },
      "attempt to add duplicate property 'io0' to object (type 'container')",
    ],
    ['object-add', { 'qom-type': 'foo', id: 'x' }, "Parameter 'qom-type' does not accept value 'foo'"],
    ['object-del', { id: 'none' }, "object 'none' not found"],
  ] as const;
  for (const [command, args, message] of refusals) {
    await assert.rejects(execute(machine, command, args), { errorClass: 'GenericError', message });
  }
  await execute(machine, 'object-del', { id: 'io0' });
  assert.deepEqual(await reply(machine, 'query-iothreads'), []);
  await machine.close();
});

test('paths lead to objects, wholly or in part', async () => {
  const machine = await createTestMachine({ devices: [device('d'), { ...device('e') }] });
  assert.deepEqual(await reply(machine, 'qom-list', { path: '/machine/peripheral' }), [
    { name: 'type', type: 'string' },
    { name: 'd', type: 'child<vfio-model>' },
    { name: 'e', type: 'child<vfio-model>' },
  ]);
  assert.equal(await reply(machine, 'qom-get', { path: 'peripheral/d', property: 'migration-events' }), true);
  assert.equal(
    await reply(machine, 'qom-get', { path: '/machine', property: 'peripheral' }),
    '/machine/peripheral',
  );
  await assert.rejects(execute(machine, 'qom-list', { path: '/nowhere' }), {
    errorClass: 'DeviceNotFound',
    message: "Device '/nowhere' not found",
  });
  await assert.rejects(execute(machine, 'qom-get', { path: 'device[0]', property: 'x' }), {
    message: "Property 'sim-cpu.x' not found",
  });
  await machine.close();
});

test('devices come and go, and say so', async () => {
  const machine = await createTestMachine({ devices: [device('d')] });
  await execute(machine, 'device_add', {
    driver: 'vfio-model',
    id: 'e',
    'state-size': 8192,
    'migration-events': true,
  });
  assert.equal(machine.machine.hardware.devices.length, 2);
  const refusals = [
    ['device_add', { driver: 'vfio-model', id: 'e' }, /duplicate property 'e'/],
    ['device_add', { id: 'x' }, "Parameter 'driver' is missing"],
    ['device_add', { driver: ['vfio-model'] }, "Parameter 'driver' is missing"],
    ['device_add', { driver: 5, id: { a: 1 } }, "'5' is not a valid device model name"],
    ['device_add', { driver: true, id: 5 }, "'on' is not a valid device model name"],
    ['device_add', { driver: 'foo' }, "'foo' is not a valid device model name"],
    ['device_add', { driver: 'vfio-model', nonsense: 1 }, "Property 'vfio-model.nonsense' not found"],
    ['device_add', { driver: 'vfio-model', bus: 'pci.0' }, "Bus 'pci.0' not found"],
    ['device_del', { id: '/machine' }, '/machine is not a hotpluggable device'],
  ] as const;
  for (const [command, args, message] of refusals) {
    await assert.rejects(execute(machine, command, args), { errorClass: 'GenericError', message });
  }
  await assert.rejects(execute(machine, 'device_del', { id: 'none' }), { errorClass: 'DeviceNotFound' });
  assert.deepEqual(await eventsOf(machine, 'device_del', { id: 'e' }), ['DEVICE_DELETED']);
  assert.equal(machine.machine.hardware.devices.length, 1);
  await execute(machine, 'device_add', { driver: 'vfio-model', id: 'e' });
  await machine.close();
});

test('reset, power-down and quit are reported', async () => {
  const machine = await createTestMachine({ devices: [device('d')] });
  const reset = machine.client.once('RESET');
  assert.deepEqual(await eventsOf(machine, 'system_reset'), ['RESET']);
  assert.deepEqual({ ...((await reset).data as object) }, { guest: false, reason: 'host-qmp-system-reset' });
  assert.equal(machine.machine.guest.runState, 'running');
  assert.deepEqual(await eventsOf(machine, 'system_powerdown'), ['POWERDOWN']);
  const shutdown = machine.client.once('SHUTDOWN');
  await execute(machine, 'quit');
  assert.deepEqual({ ...((await shutdown).data as object) }, { guest: false, reason: 'host-qmp-quit' });
  assert.deepEqual(await machine.machine.ended, { reason: 'host-qmp-quit', exitCode: 0 });
  await machine.close();
});

test('in inmigrate, stop and cont decide what happens when the guest arrives', async () => {
  const machine = await createTestMachine({ incoming: 'defer' });
  assert.deepEqual(await eventsOf(machine, 'stop'), []);
  assert.equal(machine.machine.guest.autostart, false);
  assert.deepEqual(await eventsOf(machine, 'cont'), []);
  assert.equal(machine.machine.guest.autostart, true);
  assert.equal(machine.machine.guest.runState, 'inmigrate');
  await machine.close();
});

test('a guest that was shut down must be reset before it runs', async () => {
  const machine = await createTestMachine({ actions: { shutdown: 'pause' } });
  await machine.machine.shutdown('guest-shutdown');
  assert.equal(machine.machine.guest.runState, 'shutdown');
  await assert.rejects(execute(machine, 'cont'), { message: 'Resetting the Virtual Machine is required' });
  await execute(machine, 'system_reset');
  assert.deepEqual(await eventsOf(machine, 'cont'), ['RESUME']);
  await machine.close();
});

test('what ends the machine, and what only stops it, is a matter of the actions', async () => {
  const machine = await createTestMachine({ actions: { reboot: 'shutdown', shutdown: 'pause' } });
  assert.deepEqual(await eventsOf(machine, 'system_reset'), ['SHUTDOWN', 'STOP']);
  assert.equal(machine.machine.guest.runState, 'shutdown');
  await execute(machine, 'set-action', { reboot: 'reset' });
  assert.deepEqual(await eventsOf(machine, 'system_reset'), ['RESET']);
  await execute(machine, 'cont');
  await execute(machine, 'quit');
  assert.deepEqual(await machine.machine.ended, { reason: 'host-qmp-quit', exitCode: 0 });
  await machine.close();
});

test('a guest that reacts to the power button switches itself off, a stopped one when it runs', async () => {
  const machine = await createTestMachine({
    accelerator: { powerdown: true },
    actions: { shutdown: 'pause' },
  });
  const off = ['SHUTDOWN', 'STOP'];
  assert.deepEqual(await eventsOf(machine, 'system_powerdown'), ['POWERDOWN', ...off]);
  await execute(machine, 'system_reset');
  assert.deepEqual(await eventsOf(machine, 'system_powerdown'), ['POWERDOWN']);
  assert.deepEqual(await eventsOf(machine, 'cont'), ['RESUME', ...off]);
  await machine.close();
});

test('every option group tells its parameters', async () => {
  const machine = await createTestMachine();
  assert.deepEqual(await reply(machine, 'query-command-line-options', { option: 'memory' }), [
    {
      option: 'memory',
      parameters: [
        { name: 'maxmem', type: 'size' },
        { name: 'slots', type: 'number' },
        { name: 'size', type: 'size' },
      ],
    },
  ]);
  await assert.rejects(execute(machine, 'query-command-line-options', { option: 'zzz' }), {
    message: 'invalid option name: zzz',
  });
  await machine.close();
});

test('capabilities and parameters of migrations are set as a whole or not at all', async () => {
  const machine = await createTestMachine();
  const refusals = [
    [
      'migrate-set-parameters',
      { 'downtime-limit': 2_000_001, 'max-bandwidth': 1 },
      "Parameter 'downtime_limit' expects an integer in the range of 0 to (2000 * 1000) ms",
    ],
    [
      'migrate-set-parameters',
      { 'cpu-throttle-initial': 100 },
      "Parameter 'cpu_throttle_initial' expects an integer in the range of 1 to 99",
    ],
    [
      'migrate-set-parameters',
      { 'multifd-channels': 0 },
      "Parameter 'multifd_channels' expects a value between 1 and 255",
    ],
    [
      'migrate-set-capabilities',
      {
        capabilities: [
          { capability: 'return-path', state: true },
          { capability: 'xbzrle', state: true },
        ],
      },
      /xbzrle/,
    ],
  ] as const;
  for (const [command, args, message] of refusals) {
    await assert.rejects(execute(machine, command, args), { errorClass: 'GenericError', message });
  }
  const parameters = (await reply(machine, 'query-migrate-parameters')) as Record<string, unknown>;
  assert.equal(parameters['max-bandwidth'], 128 * 1024 ** 2);
  assert.equal(machine.machine.migrations.capabilities.isOn('return-path'), false);
  await execute(machine, 'migrate-set-parameters', { 'downtime-limit': 7 });
  assert.equal(
    ((await reply(machine, 'query-migrate-parameters')) as Record<string, unknown>)['downtime-limit'],
    7,
  );
  await machine.close();
});

test('names of disks and dirty bitmaps in the stream are one to one, and are told when they are set', async () => {
  const machine = await createTestMachine();
  const set = (...nodes: readonly Record<string, unknown>[]) =>
    execute(machine, 'migrate-set-parameters', { 'block-bitmap-mapping': nodes });
  const told = async () =>
    ((await reply(machine, 'query-migrate-parameters')) as Record<string, unknown>)['block-bitmap-mapping'];
  assert.equal(await told(), undefined);
  const disk = { 'node-name': 'disk', alias: 'd', bitmaps: [{ name: 'b0', alias: 'b' }] };
  await set(disk);
  for (const [nodes, reason] of [
    [[disk, disk], "The node name 'disk' is mapped twice"],
    [[disk, { ...disk, 'node-name': 'other' }], "The node alias 'd' is used twice"],
    [[{ ...disk, alias: '0' }], "The node alias '0' is not well-formed"],
    [[{ ...disk, bitmaps: [...disk.bitmaps, ...disk.bitmaps] }], "The bitmap 'disk'/'b0' is mapped twice"],
    [[{ ...disk, 'node-name': 'n'.repeat(32) }], `The node name '${'n'.repeat(32)}' is longer than 31 bytes`],
  ] as const) {
    const message = `Invalid mapping given for block-bitmap-mapping: ${reason}`;
    await assert.rejects(set(...nodes), { errorClass: 'GenericError', message });
  }
  assert.deepEqual(await told(), [disk]);
  const text = await reply(machine, 'human-monitor-command', { 'command-line': 'info migrate_parameters' });
  assert.match(String(text), /^block-bitmap-mapping:\r\n {2}'disk' -> 'd'\r\n {4}'b0' -> 'b'\r\n/m);
  await machine.close();
});
