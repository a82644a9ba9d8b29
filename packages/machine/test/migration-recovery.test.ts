import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MachinePair } from './support/machine-pair.js';
import { device, execute, type TestMachine } from './support/test-machine.js';

const MIB = 1024 ** 2;
const capabilities = ['events', 'x-precopy-recovery'];

/** A migration that takes as long as nobody raises max-bandwidth, under way. */
async function underWay(t: TestContext, switchedOn = capabilities): Promise<MachinePair> {
  const machines = await MachinePair.create(t, {
    devices: [device('gpu', { model: 'gpu', 'state-size': 4 * MIB })],
    source: { capabilities: switchedOn },
    destination: { capabilities: switchedOn },
  });
  for (const machine of [machines.source, machines.destination]) {
    await execute(machine, 'migrate-set-parameters', { 'max-bandwidth': 65536, 'multifd-channels': 3 });
  }
  await machines.start();
  await machines.until(machines.source, 'MIGRATION active');
  await machines.until(machines.destination, 'MIGRATION active');
  await machines.clock.advance(500);
  return machines;
}

async function status(machine: TestMachine): Promise<{ status: string; 'error-desc'?: string }> {
  return (await execute(machine, 'query-migrate')) as { status: string; 'error-desc'?: string };
}

async function runState(machine: TestMachine): Promise<string> {
  return ((await execute(machine, 'query-status')) as { status: string }).status;
}

async function bothPaused({ source, destination, clock }: MachinePair): Promise<void> {
  const waits = ({ machine }: TestMachine) => machine.migrations.info().status === 'postcopy-paused';
  await clock.advanceUntil(() => waits(source) && waits(destination));
}

const ways = ['migrate-pause', 'yank'].flatMap((how) =>
  ['', 'multifd'].flatMap((multifd) =>
    (['source', 'destination'] as const).map((side) => ({ how, multifd, side })),
  ),
);

for (const { how, multifd, side } of ways) {
  const withIt = multifd === '' ? '' : ' over several channels';
  test(`${how} at the ${side} breaks a migration${withIt}, which then goes on elsewhere`, async (t) => {
    const machines = await underWay(t, multifd === '' ? capabilities : [...capabilities, multifd]);
    const { source, destination, uri } = machines;
    const args = how === 'yank' ? { instances: [{ type: 'migration' }] } : undefined;
    await machines[side].client.executeOob(how, args);
    await bothPaused(machines);
    assert.equal(await runState(source), 'running');
    assert.equal(await runState(destination), 'inmigrate');
    assert.match((await status(source))['error-desc'] ?? '', /./);

    await destination.client.executeOob('migrate-recover', { uri: `${uri}-2` });
    await execute(source, 'migrate', { uri: `${uri}-2`, resume: true });
    await execute(source, 'migrate-set-parameters', { 'max-bandwidth': 0 });
    await machines.ended();
    assert.equal((await status(source)).status, 'completed');
    assert.equal(await runState(source), 'postmigrate');
    assert.equal(await runState(destination), 'running');
    assert.deepEqual(
      source.events.filter((event) => event.startsWith('MIGRATION ')),
      [
        'MIGRATION setup',
        'MIGRATION active',
        'MIGRATION postcopy-paused',
        'MIGRATION postcopy-recover-setup',
        'MIGRATION postcopy-recover',
        'MIGRATION active',
        'MIGRATION device',
        'MIGRATION completed',
      ],
    );
  });
}

test('a migration that waits is one in progress; it can be cancelled at both sides', async (t) => {
  const machines = await underWay(t);
  const { source, destination, uri } = machines;
  await source.client.executeOob('migrate-pause');
  await bothPaused(machines);
  const inProgress = /There's a migration process in progress/;
  await assert.rejects(execute(source, 'migrate', { uri }), inProgress);
  await assert.rejects(execute(source, 'migrate-set-capabilities', { capabilities: [] }), inProgress);
  await assert.rejects(execute(source, 'migrate-pause'), /only supported during postcopy-active/);
  await assert.rejects(execute(source, 'device_del', { id: 'gpu' }), /not allowed while migrating/);
  await execute(source, 'migrate_cancel');
  await machines.until(source, 'MIGRATION cancelled');
  assert.equal(await runState(source), 'running');

  // The destination listens anew, in vain.
  await execute(destination, 'migrate-recover', { uri });
  await execute(destination, 'migrate_cancel');
  await machines.until(destination, 'MIGRATION failed');
  assert.deepEqual(await destination.machine.ended, { reason: 'host-error', exitCode: 1 });
});

test('an address where nobody waits leaves the migration as it was', async (t) => {
  const machines = await underWay(t);
  const { source, destination, uri } = machines;
  await source.client.executeOob('migrate-pause');
  await bothPaused(machines);
  await assert.rejects(
    execute(source, 'migrate', { uri: 'foo', resume: true }),
    /^.*Parameter 'uri' expects a valid migration protocol/,
  );
  await assert.rejects(
    execute(destination, 'migrate-recover', { uri: 'unix:/nonexistent/x' }),
    /Failed to bind socket/,
  );
  await execute(source, 'migrate', { uri: `${uri}-nobody`, resume: true });
  await bothPaused(machines);
  assert.match((await status(source))['error-desc'] ?? '', /^Failed to connect to '.*-nobody'/);
  await execute(source, 'migrate_cancel');
  await machines.until(source, 'MIGRATION cancelled');
});

test('a destination that listens in vain can be told another address', async (t) => {
  const machines = await underWay(t);
  const { source, destination, uri } = machines;
  await source.client.executeOob('migrate-pause');
  await bothPaused(machines);
  await execute(destination, 'migrate-recover', { uri: `${uri}-wrong` });
  await execute(destination, 'migrate-recover', { uri: `${uri}-other` });
  await execute(destination, 'migrate-recover', { uri: `${uri}-right` });
  await execute(source, 'migrate', { uri: `${uri}-wrong`, resume: true });
  const { migrations } = source.machine;
  await machines.clock.advanceUntil(() => migrations.info().status === 'postcopy-paused');
  await execute(source, 'migrate', { uri: `${uri}-right`, resume: true });
  await execute(source, 'migrate-set-parameters', { 'max-bandwidth': 0 });
  await machines.ended();
  assert.equal((await status(source)).status, 'completed');
  assert.equal(await runState(destination), 'running');
});

test('without the capability a break ends the migration, and nothing can be recovered', async (t) => {
  const machines = await underWay(t, ['events']);
  const { source, destination } = machines;
  await assert.rejects(
    source.client.executeOob('migrate-pause'),
    /^.*migrate-pause is currently only supported during postcopy-active state/,
  );
  await source.client.executeOob('yank', { instances: [{ type: 'migration' }] });
  await machines.ended();
  assert.equal((await status(source)).status, 'failed');
  assert.equal(await runState(source), 'running');
  await assert.rejects(
    execute(source, 'migrate', { uri: 'unix:/x', resume: true }),
    /Cannot resume if there is no paused migration/,
  );
  await assert.rejects(
    destination.client.executeOob('migrate-recover', { uri: 'unix:/x' }),
    /Migrate recover can only be run when postcopy is paused\./,
  );
});

test('with multifd it goes on only where several channels can be opened', async (t) => {
  const machines = await underWay(t, [...capabilities, 'multifd']);
  const { source, destination } = machines;
  await source.client.executeOob('migrate-pause');
  await bothPaused(machines);
  const single = /Migration requires multi-channel URIs \(e\.g\. tcp\)/;
  await assert.rejects(execute(source, 'migrate', { uri: 'exec:cat', resume: true }), single);
  await assert.rejects(execute(destination, 'migrate-recover', { uri: 'exec:cat' }), single);
  await bothPaused(machines);
});
