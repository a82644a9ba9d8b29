import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair, type PairOptions } from './pair.js';
import { PAGE, type TestMachineOptions } from './test-machine.js';

const nic = { id: 'nic0', model: 'nic' };
const gpu = { id: 'gpu0', model: 'gpu' };

const rows: readonly {
  readonly what: string;
  readonly source: TestMachineOptions;
  readonly destination: TestMachineOptions;
  readonly message: string;
}[] = [
  {
    what: 'RAM size',
    source: { ram: [64 * PAGE] },
    destination: { ram: [32 * PAGE] },
    message: `RAM size is ${64 * PAGE} at the source, ${32 * PAGE} at the destination`,
  },
  {
    what: 'number of vCPUs',
    source: { vcpus: 2 },
    destination: { vcpus: 4 },
    message: 'vCPUs is 2 at the source, 4 at the destination',
  },
  {
    what: 'a device that the destination lacks',
    source: { devices: [nic, gpu] },
    destination: { devices: [nic] },
    message: "device '/machine/peripheral/gpu0' is missing at the destination",
  },
  {
    what: 'a device that the source lacks',
    source: { devices: [] },
    destination: { devices: [nic] },
    message: "device '/machine/peripheral/nic0' is missing at the source",
  },
  {
    what: 'another model',
    source: { devices: [{ id: 'dev0', model: 'nic' }] },
    destination: { devices: [{ id: 'dev0', model: 'gpu' }] },
    message: "device '/machine/peripheral/dev0' is 'nic' at the source, 'gpu' at the destination",
  },
];

for (const { what, source, destination, message } of rows) {
  test(`${what}: both sides say so, before anything is sent`, async () => {
    const options: PairOptions = { ...source, destination };
    const pair = new Pair(options);
    await pair.run();
    assert.equal(pair.outcome, 'failed');
    assert.equal(pair.incoming.error?.message, `the machines do not match: ${message}`);
    assert.equal(
      pair.outgoing.error?.message,
      `the destination failed: the machines do not match: ${message}`,
    );
    assert.equal(pair.outgoing.error?.name, 'PeerError');
    assert.deepEqual(pair.source.events, ['MIGRATION setup', 'MIGRATION failed']);
    assert.ok(pair.source.running);
    assert.equal(pair.outgoing.statistics.ram.transferred, 0);
    pair.close();
    assert.equal(pair.clock.pendingTimers, 0);
  });
}

test('every difference is named at once', async () => {
  const pair = new Pair({ vcpus: 1, devices: [nic], destination: { vcpus: 2, devices: [gpu] } });
  await pair.run();
  assert.equal(
    pair.incoming.error?.message,
    'the machines do not match: vCPUs is 1 at the source, 2 at the destination; ' +
      "device '/machine/peripheral/nic0' is missing at the destination; " +
      "device '/machine/peripheral/gpu0' is missing at the source",
  );
  pair.close();
});
