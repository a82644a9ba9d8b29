import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryTransports, QmpClient } from '@godwit/qmp';
import { ARCS, arcName, stateName } from '@godwit/vfio';
import { MachinePair } from '../support/machine-pair.js';
import { createTestMachine, device, execute, type TestMachine } from '../support/test-machine.js';
import { KINDS } from './scenarios.js';

const LATENCY_MS = 40;

interface Notice {
  readonly event: string;
  /** Virtual milliseconds. */
  readonly at: number;
}

/** Notes when the client sees what; its own connection takes no virtual time. */
function noteTimes({ client, clock }: TestMachine): Notice[] {
  const notices: Notice[] = [];
  for (const name of ['VFIO_MIGRATION', 'VFIO_MIGRATION_PREPARE'] as const) {
    client.on(name, ({ data }) => {
      const state = String((data as { 'device-state': string })['device-state']);
      notices.push({ event: name === 'VFIO_MIGRATION' ? state : `prepare ${state}`, at: clock.now() });
    });
  }
  return notices;
}

/** Every arrival has been announced, at least as long before as the device takes for one transition. */
function assertAnnounced(notices: readonly Notice[], latency: number): void {
  assert.ok(notices.length > 0);
  notices.forEach(({ event, at }, index) => {
    if (event.startsWith('prepare ') || event.endsWith('-prepare')) return;
    const announced = notices.slice(0, index).findLast((earlier) => earlier.event === `prepare ${event}`);
    assert.ok(announced !== undefined, `${event} came without a notice`);
    assert.ok(at - announced.at >= latency, `${event} came ${at - announced.at} ms after its notice`);
    if (event !== 'pre-copy-p2p') return;
    const state = notices.slice(0, index).findLast((earlier) => earlier.event === 'pre-copy-p2p-prepare');
    assert.ok(state !== undefined && at - state.at >= latency);
  });
}

for (const [kind, properties] of Object.entries(KINDS)) {
  test(`${kind}: every transition is announced before the device begins, and as early as it is slow`, async (context) => {
    const slow = device('d', { ...properties, latency: LATENCY_MS, 'migration-prepare-events': true });
    const pair = await MachinePair.create(context, { devices: [slow] });
    const notices = [noteTimes(pair.source), noteTimes(pair.destination)] as const;
    await execute(pair.source, 'stop');
    await execute(pair.source, 'cont');
    await pair.start();
    await pair.ended();
    await pair.clock.advance(2 * LATENCY_MS);
    for (const seen of notices) assertAnnounced(seen, LATENCY_MS);
    assert.equal(
      notices[0].filter(({ event }) => event.startsWith('prepare ')).length,
      notices[0].filter(({ event }) => !event.includes('prepare')).length,
    );
  });
}

test('a device is asked only when its notice has been written to the monitors', async () => {
  const machine = await createTestMachine({ devices: [device('d', { 'migration-prepare-events': true })] });
  const [near, far] = createMemoryTransports();
  const steps: string[] = [];
  const write = near.write.bind(near);
  near.write = (bytes) => {
    const text = Buffer.from(bytes).toString();
    for (const [, state] of text.matchAll(/VFIO_MIGRATION_PREPARE.*"device-state": "([\w-]+)"/g)) {
      steps.push(`written: ${state}`);
    }
    return write(bytes);
  };
  void machine.machine.addMonitor({ label: 'recorded' }).attach(near);
  const client = await QmpClient.connect(far, { clock: machine.clock });
  const moved = machine.machine.hardware.devices[0]!.device;
  const setState = moved.setState.bind(moved);
  moved.setState = (wanted) => {
    steps.push(`asked: ${stateName(wanted)}`);
    return setState(wanted);
  };
  await execute(machine, 'stop');
  await execute(machine, 'cont');
  assert.deepEqual(
    steps,
    ['running-p2p', 'stop', 'running-p2p', 'running'].flatMap((state) => [
      `written: ${state}`,
      `asked: ${state}`,
    ]),
  );
  await client.close();
  await machine.close();
});

test('a recovery state and a reset are announced too', async () => {
  for (const leaves of ['from', 'error']) {
    const machine = await createTestMachine({
      devices: [
        device('d', {
          'fail-arc': 'running-p2p->stop',
          'fail-leaves': leaves,
          'migration-prepare-events': true,
        }),
      ],
    });
    const notices = noteTimes(machine);
    await execute(machine, 'stop');
    await machine.clock.advance(1);
    assert.deepEqual(
      notices.map(({ event }) => event),
      ['prepare running-p2p', 'running-p2p', 'prepare stop', 'prepare running', 'running'],
    );
    await machine.close();
  }
});

test('the notice is about one transition: a device with a latency for each arc takes exactly that long', async () => {
  const latencies = ARCS.map(({ from, to }, index) => [
    `latency-${arcName(from, to).replace('->', '-to-')}`,
    10 + index,
  ]);
  const machine = await createTestMachine({
    devices: [device('d', { ...Object.fromEntries(latencies), 'migration-prepare-events': true })],
  });
  const latencyOf = (arc: string) => 10 + ARCS.findIndex(({ from, to }) => arcName(from, to) === arc);
  const notices = noteTimes(machine);
  await execute(machine, 'stop');
  await machine.clock.advance(1);
  const [first, second, third, fourth] = notices.map(({ at }) => at);
  assert.equal(second! - first!, latencyOf('running->running-p2p'));
  assert.equal(fourth! - third!, latencyOf('running-p2p->stop'));
  await machine.close();
});

test('system_reset of a machine that migrates takes its devices back to running, and says so', async (context) => {
  const pair = await MachinePair.create(context, {
    devices: [device('d', { 'dirty-rate': 64 * 1024 ** 2 })],
  });
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 1024 ** 2, 'downtime-limit': 0 });
  await pair.start();
  await pair.until(pair.source, 'MIGRATION active');
  await pair.clock.advance(20);
  const start = pair.source.events.length;
  await execute(pair.source, 'system_reset');
  await pair.clock.advanceUntil(() => pair.source.events.slice(start).includes('d pre-copy'));
  assert.deepEqual(
    pair.source.events.slice(start).filter((event) => event !== 'MIGRATION_PASS'),
    ['d running', 'RESET', 'd pre-copy'],
  );
  await execute(pair.source, 'migrate-set-parameters', { 'max-bandwidth': 0, 'downtime-limit': 2000 });
  await pair.ended();
  assert.equal(pair.destination.machine.guest.runState, 'running');
});
