import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeviceState, type MigratableDevice } from '@godwit/vfio';
import { Pair, type PairOptions } from './pair.js';
import type { TestMachine } from './test-machine.js';

const options: PairOptions = {
  devices: [
    { id: 'nic0', model: 'nic', properties: { latency: 2 } },
    { id: 'gpu0', model: 'gpu', properties: { latency: 2 } },
  ],
};

interface Hang {
  /** Whether a call waits. */
  readonly hangs: boolean;
  release(): void;
}

/** Makes the calls of `method` that `hangs` chooses wait until they are released. */
function hang<Name extends 'setState' | 'readData' | 'dataSize'>(
  machine: TestMachine,
  name: Name,
  hangs: (...args: Parameters<MigratableDevice[Name]>) => boolean,
): Hang {
  const device: MigratableDevice = machine.models[0]!;
  const original = device[name].bind(device) as (...args: unknown[]) => Promise<unknown>;
  let release: () => void = () => {};
  let waiting = false;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  Object.defineProperty(device, name, {
    configurable: true,
    value: async (...args: Parameters<MigratableDevice[Name]>) => {
      if (hangs(...args)) {
        waiting = true;
        await released;
      }
      return original(...args);
    },
  });
  return {
    get hangs() {
      return waiting;
    },
    release() {
      Reflect.deleteProperty(device, name);
      release();
    },
  };
}

/** Where a device may hang, and where the migration is then. */
const CALLS: readonly (readonly [
  what: string,
  begin: (pair: Pair) => Hang,
  status: 'setup' | 'active' | 'device',
])[] = [
  [
    'entering PRE_COPY',
    ({ source }) => hang(source, 'setState', (state) => state === DeviceState.PRE_COPY),
    'setup',
  ],
  ['reading its data', ({ source }) => hang(source, 'readData', () => true), 'active'],
  ['telling its size', ({ source }) => hang(source, 'dataSize', () => source.events.length > 2), 'active'],
  [
    'stopping for the switchover',
    ({ source }) => hang(source, 'setState', (state) => state === DeviceState.PRE_COPY_P2P),
    'active',
  ],
  [
    'reading the rest of its data',
    ({ source }) => hang(source, 'readData', () => source.runState === 'finish-migrate'),
    'device',
  ],
];

for (const [what, begin, status] of CALLS) {
  test(`a device that hangs while ${what} does not keep a migration from being cancelled`, async () => {
    const pair = new Pair(options);
    const hang = begin(pair);
    pair.start();
    await pair.clock.advanceUntil(() => hang.hangs);
    await pair.clock.advance(5000);
    assert.equal(pair.outgoing.status, status);
    pair.outgoing.cancel();
    await pair.finish();
    assert.equal(pair.outcome, 'cancelled');
    assert.equal(pair.source.runState, 'running');
    assert.equal(pair.source.dirtyLog.active, false);
    const [hanging, sound] = pair.source.models;
    assert.equal(sound?.state, DeviceState.RUNNING);

    // Until it answers, it says of itself that it does not; another migration fails at once.
    const [{ controller } = { controller: undefined }] = pair.source.devices();
    await assert.rejects(controller!.setState(DeviceState.PRE_COPY), /^Error: the device does not answer$/);

    // It answers after all, and is where its guest is, with what it had.
    const before = hanging!.verify().errors;
    void controller!.setState(DeviceState.RUNNING).catch(() => {});
    hang.release();
    await pair.clock.advanceUntil(() => hanging!.state === DeviceState.RUNNING);
    await pair.clock.advance(100);
    assert.equal(hanging!.verify().errors, before);
    const moved = controller!.setState(DeviceState.RUNNING_P2P);
    await pair.clock.advance(100);
    await moved;
    assert.equal(hanging!.state, DeviceState.RUNNING_P2P);
    pair.close();
    assert.equal(pair.clock.pendingTimers, 0);
  });
}

test('a slow device is waited for, cancelled or not', async () => {
  const pair = new Pair({
    ...options,
    devices: [{ id: 'nic0', model: 'nic', properties: { latency: 700 } }],
    destination: { devices: [{ id: 'nic0', model: 'nic' }] },
  });
  pair.start();
  await pair.clock.advanceUntil(() => pair.clock.now() >= 100);
  pair.outgoing.cancel();
  await pair.finish();
  assert.equal(pair.outcome, 'cancelled');
  assert.deepEqual(pair.source.events, [
    'MIGRATION setup',
    'MIGRATION cancelling',
    'pre-copy',
    'MIGRATION cancelled',
    'running',
  ]);
  pair.close();
});
