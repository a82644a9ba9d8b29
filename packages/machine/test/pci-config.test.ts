import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PciConfig } from '../src/devices/pci-config.js';
import { MachinePair } from './support/machine-pair.js';
import { createTestMachine, device, execute, type TestMachine } from './support/test-machine.js';

const MIB = 2 ** 20;
const accelerator = { dirtyRate: 64 * MIB, workingSet: MIB, fill: false };
const NIC = { vendorId: 0x1b36, deviceId: 0x00aa, classCode: 0x020000 };

function configOf({ machine }: TestMachine): PciConfig {
  const { config } = machine.hardware.devices[0]!;
  assert.ok(config instanceof PciConfig);
  return config;
}

async function deviceFaults(machine: TestMachine): Promise<unknown> {
  return execute(machine, 'qom-get', { path: '/machine/guest', property: 'device-faults' });
}

for (const protocol of ['v1', 'v2']) {
  test(`${protocol}: what the guest wrote to the configuration space moves with the device`, async (context) => {
    const devices = [device('d', { model: 'nic', protocol })];
    const options = { accelerator };
    const pair = await MachinePair.create(context, { devices, source: options, destination: options });
    await pair.clock.advance(200);
    const written = configOf(pair.source).save();
    assert.notDeepEqual(written, configOf(pair.destination).save());
    await pair.start();
    await pair.ended();
    assert.ok(pair.destination.events.includes('MIGRATION completed'));
    await pair.clock.advance(200);
    assert.equal(await deviceFaults(pair.destination), 0);
  });

  test(`${protocol}: a configuration space of another device is refused, and the source runs on`, async (context) => {
    const devices = [device('d', { model: 'nic', protocol })];
    const pair = await MachinePair.create(context, {
      devices,
      source: { accelerator },
      destination: { accelerator },
    });
    const config = configOf(pair.source);
    const save = config.save.bind(config);
    config.save = () => save().fill(0x77, 2, 3);
    await pair.start();
    await pair.until(pair.source, 'RESUME');
    assert.match(
      pair.destination.warnings.join(),
      /byte 0x02 of the configuration space is 0x77 and would be 0x[0-9a-f]{2} here/,
    );
    assert.equal(pair.source.machine.guest.runState, 'running');
  });
}

test('the guest notices a configuration space that changed behind its back', async () => {
  const machine = await createTestMachine({ devices: [device('d')], accelerator });
  await machine.clock.advance(500);
  assert.equal(await deviceFaults(machine), 0);
  configOf(machine).reset();
  await machine.clock.advance(500);
  assert.notEqual(await deviceFaults(machine), 0);
  await machine.close();
});

test('a configuration space is loaded whole or not at all', () => {
  const config = new PciConfig(NIC);
  config.write(0x3c, Uint8Array.of(9));
  const before = config.save();
  const other = new PciConfig({ ...NIC, deviceId: 0x00ab });
  assert.throws(() => config.load(other.save()), {
    message: 'byte 0x02 of the configuration space is 0xab and would be 0xaa here',
  });
  assert.throws(() => config.load(before.subarray(1)), {
    message: 'a configuration space has 256 bytes, not 255',
  });
  assert.throws(() => config.section('d/config').load(before, 2), {
    message: 'd/config: version 2 is not known',
  });
  assert.deepEqual(config.save(), before);
  const fresh = new PciConfig(NIC);
  fresh.load(before);
  assert.deepEqual(fresh.save(), before);
});
