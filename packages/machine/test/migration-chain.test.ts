import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MachinePair } from './support/machine-pair.js';
import { createTestMachine, device, execute, type TestMachine } from './support/test-machine.js';

const MIB = 1024 ** 2;
const devices = [device('gpu', { model: 'gpu', 'state-size': 4 * MIB })];

async function status(machine: TestMachine): Promise<string> {
  return ((await execute(machine, 'query-migrate')) as { status: string }).status;
}

async function runState(machine: TestMachine): Promise<string> {
  return ((await execute(machine, 'query-status')) as { status: string }).status;
}

test('a guest that has arrived can be moved on, and its migration be queried', async (t) => {
  const machines = await MachinePair.create(t, { devices });
  const { destination: middle, clock, uri } = machines;
  await machines.start();
  await machines.ended();
  assert.equal(await status(middle), 'completed');
  assert.deepEqual(await execute(middle, 'query-yank'), []);

  let last: TestMachine | undefined;
  void createTestMachine({ clock, devices, incoming: 'defer' }).then((machine) => {
    last = machine;
  });
  await clock.advanceUntil(() => last !== undefined);
  t.after(() => last!.close());
  await execute(last!, 'migrate-incoming', { uri: `${uri}-on` });
  await execute(middle, 'migrate', { uri: `${uri}-on` });
  // What it tells now is the migration that is under way.
  assert.notEqual(await status(middle), 'completed');
  await assert.rejects(execute(middle, 'migrate', { uri }), /There's a migration process in progress/);
  await clock.advanceUntil(() => last!.machine.migrations.info().status === 'completed');
  await clock.advance(10);
  assert.equal(await status(middle), 'completed');
  assert.deepEqual(
    [await runState(machines.source), await runState(middle), await runState(last!)],
    ['postmigrate', 'postmigrate', 'running'],
  );
});

test('a guest whose last migration failed can be moved all the same', async (t) => {
  const machines = await MachinePair.create(t, { devices });
  const { source, uri } = machines;
  await execute(source, 'migrate', { uri: `${uri}-nobody` });
  await machines.until(source, 'MIGRATION failed');
  await execute(machines.destination, 'migrate-incoming', { uri });
  await execute(source, 'migrate', { uri });
  await machines.clock.advanceUntil(() => source.machine.migrations.info().status === 'completed');
  assert.equal(await runState(source), 'postmigrate');
});
