import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestMachine, device, eventsOf } from './support/test-machine.js';

test('stop and cont say nothing where nothing changes', async () => {
  const machine = await createTestMachine({ devices: [device('d')] });
  assert.deepEqual(await eventsOf(machine, 'cont'), []);
  await eventsOf(machine, 'stop');
  assert.deepEqual(await eventsOf(machine, 'stop'), []);
  await machine.close();
});

test('a guest that waits for cont has devices that run already; they start together all the same', async () => {
  const machine = await createTestMachine({ startStopped: true, devices: [device('d')] });
  assert.equal(machine.machine.guest.runState, 'prelaunch');
  assert.equal(machine.machine.tree.findDevice('d')?.get('migration-state'), 'running');
  assert.deepEqual(await eventsOf(machine, 'cont'), ['RESUME', 'd running-p2p', 'd running']);
  assert.equal(machine.machine.guest.runState, 'running');
  await machine.close();
  const alone = await createTestMachine({ startStopped: true, devices: [device('d', { p2p: false })] });
  assert.deepEqual(await eventsOf(alone, 'cont'), ['RESUME']);
  await alone.close();
});

test('a device without migration-events says nothing', async () => {
  const machine = await createTestMachine({ devices: [device('d', { 'migration-events': false })] });
  assert.deepEqual(await eventsOf(machine, 'stop'), ['STOP']);
  await machine.close();
});

test('with migration-prepare-events every change is announced before it is made', async () => {
  const machine = await createTestMachine({ devices: [device('d', { 'migration-prepare-events': true })] });
  assert.deepEqual(await eventsOf(machine, 'stop'), [
    'prepare d running-p2p',
    'd running-p2p',
    'prepare d stop',
    'd stop',
    'STOP',
  ]);
  await machine.close();
});

test('a notice is out before a slow device has begun', async () => {
  const machine = await createTestMachine({
    devices: [device('d', { p2p: false, latency: 50, 'migration-prepare-events': true })],
  });
  const { events } = machine;
  const started = events.length;
  const stopped = machine.client.execute('stop');
  await machine.clock.advance(25);
  assert.deepEqual(events.slice(started), ['prepare d stop']);
  await machine.clock.advance(50);
  await stopped;
  assert.deepEqual(events.slice(started), ['prepare d stop', 'd stop', 'STOP']);
  await machine.close();
});

test('a device that cannot stop is reset, says that it runs, and the guest stops all the same', async () => {
  const machine = await createTestMachine({
    devices: [device('d', { 'fail-arc': 'running-p2p->stop', 'fail-count': 0 })],
  });
  assert.deepEqual(await eventsOf(machine, 'stop'), ['d running-p2p', 'd running', 'STOP']);
  assert.match(machine.warnings.join(), /^d: /);
  await machine.close();
});

test('a device without a name has an empty device-id and its place in the tree', async () => {
  const { id: _, ...anonymous } = device('d', { p2p: false });
  const machine = await createTestMachine({ devices: [anonymous] });
  const event = machine.client.once('VFIO_MIGRATION');
  await eventsOf(machine, 'stop');
  const { data } = await event;
  assert.deepEqual(
    { ...(data as object) },
    {
      'device-id': '',
      'qom-path': '/machine/peripheral-anon/device[0]',
      'device-state': 'stop',
    },
  );
  await machine.close();
});
