import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@godwit/json';
import { stateName } from '@godwit/vfio';
import { MachinePair } from '../support/machine-pair.js';
import { device, execute, type TestMachine } from '../support/test-machine.js';

/** When a device that hung returns from its call; virtual milliseconds. */
const HANGS_MS = 100_000;

interface Hang {
  /** Of the destination's device `b`. */
  readonly properties?: JsonObject;
  /** Makes it hang where no property can. */
  readonly begin?: (pair: MachinePair) => void;
  /** How long the destination bears it. */
  readonly afterMs: number;
  readonly source: readonly string[];
  readonly destination: readonly string[];
}

const STOPPED = [
  'a pre-copy',
  'b pre-copy',
  'MIGRATION active',
  'b pre-copy-p2p-prepare',
  'b pre-copy-p2p',
  'a pre-copy-p2p-prepare',
  'a pre-copy-p2p',
  'b stop-copy',
  'a stop-copy',
  'STOP',
  'MIGRATION device',
];
const BACK = ['MIGRATION failed', 'RESUME', 'a running-p2p', 'b running-p2p', 'a running', 'b running'];

const HANGS: Readonly<Record<string, Hang>> = {
  'entering RESUMING': {
    properties: { 'latency-stop-to-resuming': HANGS_MS },
    afterMs: 27_000,
    source: ['MIGRATION setup', 'MIGRATION failed'],
    // It is there when nobody waits for it any more.
    destination: ['MIGRATION setup', 'MIGRATION active', 'a resuming', 'MIGRATION failed', 'b resuming'],
  },
  'taking its data': {
    begin({ destination, clock }) {
      const { device: hanging } = destination.machine.hardware.devices[1]!;
      const original = hanging.writeData.bind(hanging);
      let first = true;
      hanging.writeData = async (data) => {
        if (first) {
          first = false;
          await new Promise<void>((resolve) => {
            clock.setTimer(resolve, HANGS_MS);
          });
        }
        return original(data);
      };
    },
    afterMs: 27_000,
    source: ['MIGRATION setup', ...STOPPED, ...BACK],
    destination: ['MIGRATION setup', 'MIGRATION active', 'a resuming', 'b resuming', 'MIGRATION failed'],
  },
  'checking its data': {
    properties: { 'latency-resuming-to-stop': HANGS_MS },
    afterMs: 54_000,
    source: ['MIGRATION setup', ...STOPPED, ...BACK],
    destination: ['MIGRATION setup', 'MIGRATION active', 'a resuming', 'b resuming', 'MIGRATION failed'],
  },
};

function seen({ events }: TestMachine, from = 0): string[] {
  return events.slice(from).filter((event) => event !== 'MIGRATION_PASS');
}

for (const [what, { properties = {}, begin, afterMs, source, destination }] of Object.entries(HANGS)) {
  test(`a device of the destination that hangs while ${what} ends the migration, and the source runs on`, async (context) => {
    const pair = await MachinePair.create(context, {
      devices: [device('a'), device('b')],
      destinationDevices: [device('a'), device('b', properties)],
    });
    const start = pair.source.events.length;
    begin?.(pair);
    await execute(pair.destination, 'migrate-incoming', { uri: pair.uri, 'exit-on-error': false });
    await execute(pair.source, 'migrate', { uri: pair.uri });
    await pair.ended();
    const desc = `device 'b': it does not answer (waited ${afterMs} ms)`;
    const failure = async (machine: TestMachine) =>
      ((await execute(machine, 'query-migrate')) as JsonObject)['error-desc'];
    assert.equal(await failure(pair.source), `the destination failed: ${desc}`);
    assert.equal(await failure(pair.destination), desc);
    assert.equal(pair.source.machine.guest.runState, 'running');
    assert.equal(pair.destination.machine.guest.runState, 'inmigrate');

    // It answers after all, and waits for the next migration like the other one.
    await pair.clock.advance(2 * HANGS_MS);
    assert.deepEqual(seen(pair.source, start), source);
    assert.deepEqual(seen(pair.destination), destination);
    const states = pair.destination.machine.hardware.devices.map(({ device: each }) => stateName(each.state));
    assert.deepEqual(states, ['stop', 'stop']);
    if (properties['latency-stop-to-resuming'] !== undefined) return;
    if (properties['latency-resuming-to-stop'] !== undefined) return;
    const before = pair.destination.events.length;
    await pair.start();
    await pair.until(pair.destination, 'MIGRATION completed');
    assert.equal(pair.destination.machine.guest.runState, 'running');
    assert.equal(seen(pair.destination, before).at(-1), 'MIGRATION completed');
  });
}
