import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MachinePair } from '../support/machine-pair.js';
import { device } from '../support/test-machine.js';

const LATENCY_MS = 10;

for (const arc of ['pre-copy->pre-copy-p2p', 'pre-copy-p2p->stop-copy']) {
  test(`where ${arc} fails the guest stands still for no longer than its devices need`, async (context) => {
    const properties = { latency: LATENCY_MS };
    const pair = await MachinePair.create(context, {
      devices: [device('a', properties), device('b', { ...properties, 'fail-arc': arc })],
    });
    const times: Record<string, number> = {};
    for (const name of ['STOP', 'RESUME'] as const) {
      pair.source.client.on(name, () => {
        times[name] = pair.clock.now();
      });
    }
    await pair.start();
    await pair.ended();
    assert.ok(pair.source.events.includes('MIGRATION failed'));
    const { STOP: stopped = 0, RESUME: resumed = Number.POSITIVE_INFINITY } = times;
    // There is nothing to wait for between the two: RESUME comes before the devices start.
    assert.ok(resumed - stopped < LATENCY_MS, `${resumed - stopped} ms`);
  });
}
