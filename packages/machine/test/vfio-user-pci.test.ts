import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { native } from '@godwit/native';
import { createModel, type ModelledDevice } from '@godwit/vfio';
import { modelFunction, VfioUserServer } from '@godwit/vfio-user';
import { createTestMachine, eventsOf, execute } from './support/test-machine.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'godwit-'));
});
after(() => rmSync(folder, { recursive: true }));

/** Serves a device model at a socket, as `godwit device serve` does in a process of its own. */
function serve(path: string, clock: VirtualClock): { model: ModelledDevice; close(): void } {
  assert.ok(native !== undefined);
  let model: ModelledDevice | undefined;
  const server = new VfioUserServer({
    native,
    clock,
    create: ({ memory }) => {
      model = createModel('gpu', { 'state-size': 256 * 1024 }, { clock, memory, random: () => 0.5 });
      return modelFunction(model);
    },
  });
  server.listen(path);
  assert.ok(model !== undefined);
  return { model, close: () => server.close() };
}

const remote = (path: string) => ({
  type: 'vfio-user-pci',
  id: 'r',
  properties: { socket: { type: 'unix', path }, 'migration-events': true },
});

if (native === undefined) {
  test('without the addon a vfio-user device says what it needs', async () => {
    await assert.rejects(createTestMachine({ devices: [remote('/x')] }), /needs the native addon/);
  });
} else {
  test('a device of another process stops, starts and migrates with the machine, and tells its states', async () => {
    const clock = new VirtualClock(1_700_000_000_000_000);
    const near = serve(join(folder, 'near'), clock);
    const far = serve(join(folder, 'far'), clock);
    const source = await createTestMachine({ clock, devices: [remote(join(folder, 'near'))] });
    const destination = await createTestMachine({
      clock,
      devices: [remote(join(folder, 'far'))],
      incoming: 'defer',
    });
    assert.deepEqual(await eventsOf(source, 'stop'), ['r running-p2p', 'r stop', 'STOP']);
    assert.deepEqual(await eventsOf(source, 'cont'), ['RESUME', 'r running-p2p', 'r running']);
    const uri = `unix:${join(folder, 'migration')}`;
    await execute(destination, 'migrate-incoming', { uri });
    await execute(source, 'migrate', { uri });
    await clock.advanceUntil(() => destination.events.includes('MIGRATION completed'));
    await clock.advanceUntil(() => source.events.at(-1) === 'r stop');
    assert.deepEqual(
      destination.events.filter((event) => event.startsWith('r ')),
      ['r resuming', 'r running-p2p', 'r running'],
    );
    const { blocks, errors } = far.model.verify();
    assert.ok(blocks > 0);
    assert.equal(errors, 0);
    await source.close();
    await destination.close();
    near.close();
    far.close();
    assert.deepEqual(readdirSync(folder), []);
  });

  test('a server that is not there, or leaves, is told', async () => {
    await assert.rejects(createTestMachine({ devices: [remote(join(folder, 'nobody'))] }), {
      message: /^Failed to connect socket .*nobody: No such file or directory/,
    });
    await assert.rejects(createTestMachine({ devices: [{ ...remote(''), properties: {} }] }), {
      message: "'vfio-user-pci' needs the property 'socket', the path of a unix socket",
    });
    const clock = new VirtualClock();
    const server = serve(join(folder, 'leaves'), clock);
    const machine = await createTestMachine({ clock, devices: [remote(join(folder, 'leaves'))] });
    server.close();
    await clock.advanceUntil(() => machine.machine.hardware.devices[0]?.device.state === 0);
    assert.deepEqual(await eventsOf(machine, 'stop'), ['STOP']);
    assert.match(machine.warnings.join(), /r: /);
    await machine.close();
  });
}
