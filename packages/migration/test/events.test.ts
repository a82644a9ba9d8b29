import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceState } from '@godwit/vfio';
import { Pair, type PairOptions } from './pair.js';
import type { TestDevice } from './test-machine.js';

interface Kind {
  readonly name: string;
  readonly p2p: boolean;
  readonly preCopy: boolean;
  /** What the source's client sees between MIGRATION setup and MIGRATION device, and the destination's from RESUME. */
  readonly setup: readonly string[];
  readonly stop: readonly string[];
  readonly stopCopy: readonly string[];
  readonly start: readonly string[];
}

const kinds: readonly Kind[] = [
  {
    name: 'neither P2P nor PRE_COPY',
    p2p: false,
    preCopy: false,
    setup: [],
    stop: ['stop'],
    stopCopy: ['stop-copy'],
    start: ['running'],
  },
  {
    name: 'P2P',
    p2p: true,
    preCopy: false,
    setup: [],
    stop: ['running-p2p', 'stop'],
    stopCopy: ['stop-copy'],
    start: ['running-p2p', 'running'],
  },
  {
    name: 'PRE_COPY',
    p2p: false,
    preCopy: true,
    setup: ['pre-copy'],
    stop: ['stop-copy'],
    stopCopy: [],
    start: ['running'],
  },
  {
    name: 'both',
    p2p: true,
    preCopy: true,
    setup: ['pre-copy'],
    stop: ['pre-copy-p2p', 'stop-copy'],
    stopCopy: [],
    start: ['running-p2p', 'running'],
  },
];

function device({ p2p, preCopy }: Kind, id = 'dev0'): TestDevice {
  return { id, model: 'nic', properties: { p2p, 'pre-copy': preCopy } };
}

const slow: PairOptions = { channel: { bytesPerSecond: 1 << 20 }, parameters: { 'downtime-limit': 10 } };

for (const kind of kinds) {
  test(`${kind.name}: a migration`, async () => {
    const pair = new Pair({ devices: [device(kind)] });
    await pair.run();
    assert.deepEqual(pair.source.events, [
      'MIGRATION setup',
      ...kind.setup,
      'MIGRATION active',
      ...kind.stop,
      'STOP',
      'MIGRATION device',
      ...kind.stopCopy,
      'MIGRATION completed',
      'stop',
    ]);
    assert.deepEqual(pair.destination.events, [
      'MIGRATION setup',
      'MIGRATION active',
      'resuming',
      'RESUME',
      ...kind.start,
      'MIGRATION completed',
    ]);
    pair.close();
  });

  test(`${kind.name}: a paused guest`, async () => {
    const pair = new Pair({ devices: [device(kind)], runState: 'running' });
    await pair.source.stop();
    await pair.run();
    const stop = kind.p2p ? ['running-p2p', 'stop'] : ['stop'];
    assert.deepEqual(pair.source.events, [
      ...stop,
      'STOP',
      'MIGRATION setup',
      'MIGRATION active',
      'MIGRATION device',
      'stop-copy',
      'MIGRATION completed',
      'stop',
    ]);
    assert.deepEqual(pair.destination.events, [
      'MIGRATION setup',
      'MIGRATION active',
      'resuming',
      'MIGRATION completed',
    ]);
    assert.equal(pair.destination.runState, 'paused');
    await pair.destination.cont();
    assert.deepEqual(pair.destination.events.slice(4), ['RESUME', ...kind.start]);
    pair.close();
  });

  test(`${kind.name}: cancelled while it iterates`, async () => {
    const pair = new Pair({ ...slow, devices: [device(kind)] });
    pair.start();
    await pair.clock.advanceUntil(() => pair.outgoing.status === 'active');
    pair.outgoing.cancel();
    await pair.finish();
    assert.equal(pair.outcome, 'cancelled');
    assert.deepEqual(pair.source.events, [
      'MIGRATION setup',
      ...kind.setup,
      'MIGRATION active',
      'MIGRATION cancelling',
      'MIGRATION cancelled',
      ...(kind.preCopy ? ['running'] : []),
    ]);
    assert.ok(pair.source.running);
    pair.close();
  });

  test(`${kind.name}: cancelled while the guest is stopped`, async () => {
    const pair = new Pair({ ...slow, parameters: { 'downtime-limit': 2_000 }, devices: [device(kind)] });
    pair.start();
    await pair.clock.advanceUntil(() => pair.outgoing.status === 'device');
    pair.outgoing.cancel();
    await pair.finish();
    assert.deepEqual(pair.source.events, [
      'MIGRATION setup',
      ...kind.setup,
      'MIGRATION active',
      ...kind.stop,
      'STOP',
      'MIGRATION device',
      'MIGRATION cancelling',
      'RESUME',
      ...kind.start,
      'MIGRATION cancelled',
    ]);
    pair.close();
  });

  test(`${kind.name}: failed after the switchover`, async () => {
    const pair = new Pair({
      devices: [device(kind)],
      destination: {
        devices: [
          { ...device(kind), properties: { ...device(kind).properties, 'fail-arc': 'resuming->stop' } },
        ],
      },
    });
    await pair.run();
    assert.equal(pair.outcome, 'failed');
    assert.deepEqual(pair.source.events, [
      'MIGRATION setup',
      ...kind.setup,
      'MIGRATION active',
      ...kind.stop,
      'STOP',
      'MIGRATION device',
      ...kind.stopCopy,
      'MIGRATION failed',
      'RESUME',
      ...kind.start,
    ]);
    assert.deepEqual(pair.destination.events, [
      'MIGRATION setup',
      'MIGRATION active',
      'resuming',
      'MIGRATION failed',
    ]);
    assert.ok(pair.source.running);
    pair.close();
  });

  test(`${kind.name}: stop and cont`, async () => {
    const pair = new Pair({ devices: [device(kind)] });
    await pair.source.stop();
    await pair.source.cont();
    const stop = kind.p2p ? ['running-p2p', 'stop'] : ['stop'];
    assert.deepEqual(pair.source.events, [...stop, 'STOP', 'RESUME', ...kind.start]);
    pair.close();
  });
}

test('every device reaches the P2P state before any goes further: backwards on stop, forwards on start', async () => {
  const both = kinds[3]!;
  const pair = new Pair({ devices: ['a', 'b', 'c'].map((id) => device(both, id)) });
  await pair.run();
  assert.deepEqual(pair.source.events, [
    'MIGRATION setup',
    'a:pre-copy',
    'b:pre-copy',
    'c:pre-copy',
    'MIGRATION active',
    'c:pre-copy-p2p',
    'b:pre-copy-p2p',
    'a:pre-copy-p2p',
    'c:stop-copy',
    'b:stop-copy',
    'a:stop-copy',
    'STOP',
    'MIGRATION device',
    'MIGRATION completed',
    'a:stop',
    'b:stop',
    'c:stop',
  ]);
  assert.deepEqual(pair.destination.events.slice(2), [
    'a:resuming',
    'b:resuming',
    'c:resuming',
    'RESUME',
    'a:running-p2p',
    'b:running-p2p',
    'c:running-p2p',
    'a:running',
    'b:running',
    'c:running',
    'MIGRATION completed',
  ]);
  pair.close();
});

test('a guest that may not start by itself stays as it was loaded until it is continued', async () => {
  const pair = new Pair({ devices: [device(kinds[3]!)] });
  pair.destination.autostart = false;
  await pair.run();
  assert.deepEqual(pair.destination.events, [
    'MIGRATION setup',
    'MIGRATION active',
    'resuming',
    'MIGRATION completed',
  ]);
  await pair.destination.cont();
  assert.deepEqual(pair.destination.events.slice(4), ['RESUME', 'running-p2p', 'running']);
  pair.close();
});

test('a guest that is stopped and continued in mid-migration starts its devices over, and arrives whole', async () => {
  const nic = device(kinds[3]!);
  const big = { ...nic, properties: { ...nic.properties, 'state-size': 4 << 20 } };
  const pair = new Pair({ ...slow, devices: [big] });
  pair.start();
  await pair.clock.advanceUntil(() => pair.outgoing.statistics.vfio.transferred > 0);
  await pair.source.stop();
  assert.deepEqual(pair.source.events.slice(-3), ['pre-copy-p2p', 'stop-copy', 'STOP']);
  await pair.clock.advance(3);
  await pair.source.cont();
  pair.source.writePage();
  await pair.finish();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.ok(pair.destination.arrived?.equals(pair.source.contents()));
  assert.equal(pair.destination.models[0]?.verify().errors, 0);
  pair.close();
});

test('a guest that is continued in mid-migration lets its devices begin to save', async () => {
  const pair = new Pair({ ...slow, devices: [device(kinds[3]!)] });
  await pair.source.stop();
  pair.start();
  await pair.clock.advanceUntil(() => pair.outgoing.status === 'active');
  await pair.source.cont();
  await pair.finish();
  assert.equal(pair.outcome, 'completed', pair.outgoing.error?.message);
  assert.deepEqual(pair.source.events.slice(6, 11), [
    'running-p2p',
    'running',
    'pre-copy',
    'pre-copy-p2p',
    'stop-copy',
  ]);
  assert.equal(pair.destination.models[0]?.verify().errors, 0);
  pair.close();
});

test('a failed transition is answered with the recovery state, and with a reset where that fails too', async () => {
  const failing = (arc: string) =>
    new Pair({ devices: [{ ...device(kinds[3]!), properties: { 'fail-arc': arc } }] });
  const refused = failing('running->pre-copy');
  await refused.run();
  assert.deepEqual(refused.source.events, ['MIGRATION setup', 'running', 'MIGRATION failed']);
  assert.match(refused.outgoing.error?.message ?? '', /^device 'dev0': /);
  refused.close();

  const stuck = failing('pre-copy-p2p->stop-copy');
  await stuck.run();
  assert.deepEqual(stuck.source.events, [
    'MIGRATION setup',
    'pre-copy',
    'MIGRATION active',
    'pre-copy-p2p',
    'running',
    'STOP',
    'MIGRATION failed',
    'RESUME',
    'running-p2p',
    'running',
  ]);
  assert.ok(stuck.source.running);
  stuck.close();
});

test('of a device that cannot be reset either, both errors are told', async () => {
  const pair = new Pair({
    devices: [{ id: 'dev0', model: 'nic', properties: { 'fail-arc': 'running->running-p2p' } }],
  });
  const { controller, device } = pair.source.devices()[0]!;
  device.reset = async () => {
    throw new Error('it is gone');
  };
  await assert.rejects(controller.setState(DeviceState.STOP), {
    message: 'the transition running->running-p2p failed; the device could not be reset: it is gone',
  });
  pair.close();
});
