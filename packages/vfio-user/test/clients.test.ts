import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SystemClock, VirtualClock } from '@godwit/clock';
import { createModel } from '@godwit/vfio';
import { modelFunction, VfioUserClient, VfioUserServer } from '../src/index.js';
import { openDescriptors } from './open-descriptors.js';
import { addon, needsAddon, turns } from './served.js';

test('one client at a time; the next is let in as soon as the last has gone', needsAddon, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
  const before = openDescriptors();
  const clock = new SystemClock();
  const refused: string[] = [];
  const server = new VfioUserServer({
    native: addon,
    clock,
    create: ({ memory }) =>
      modelFunction(createModel('nic', { 'state-size': 4096 }, { clock, memory, random: () => 0.5 })),
    events: { refused: (error) => refused.push(error.message) },
  });
  const path = join(folder, 'device');
  server.listen(path);
  const connect = () => VfioUserClient.connect(path, { native: addon, clock });
  for (let round = 0; round < 3; round++) {
    const client = await connect();
    await assert.rejects(connect());
    assert.equal(refused.length, round + 1);
    client.close();
    // The server has not been told of that yet.
    const [ours, theirs] = addon.socketpair();
    server.accept(ours);
    const next = await VfioUserClient.connect(theirs, { native: addon, clock });
    next.close();
    await turns();
  }
  assert.deepEqual(new Set(refused), new Set(['a client is connected already']));
  server.close();
  server.device.migration?.close();
  await turns();
  assert.deepEqual(openDescriptors(), before);
  rmSync(folder, { recursive: true });
});

test('a peer that does not say its version is given up after five seconds', needsAddon, async () => {
  const clock = new VirtualClock();
  const refused: string[] = [];
  const server = new VfioUserServer({
    native: addon,
    clock,
    create: ({ memory }) =>
      modelFunction(createModel('nic', { 'state-size': 4096 }, { clock, memory, random: () => 0.5 })),
    events: { refused: (error) => refused.push(error.message) },
  });
  const [ours, theirs] = addon.socketpair();
  server.accept(ours);
  await clock.advance(4999);
  assert.deepEqual(refused, []);
  await clock.advance(1);
  assert.deepEqual(refused, ['the client does not say its version']);
  server.close();
  server.device.migration?.close();
  addon.close(theirs);
});
