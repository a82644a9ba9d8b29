import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeField, encodeField, V1_FIELDS, type V1FieldName, V1Model, V1State } from '@godwit/vfio';
import { MachinePair } from './support/machine-pair.js';
import { device, execute } from './support/test-machine.js';

/** What a driver answers in place of the value of a field. */
type Lies = Partial<Record<V1FieldName, (value: number) => number>>;

/** Has the driver behind a region answer something else; returns how it becomes honest again. */
function lie({ region }: V1Model, lies: Lies): () => void {
  const read = region.read.bind(region);
  region.read = async (offset, into) => {
    await read(offset, into);
    for (const [name, answer] of Object.entries(lies)) {
      const field = V1_FIELDS[name as V1FieldName];
      if (offset !== field.offset || into.length !== field.size) continue;
      into.set(encodeField(name as V1FieldName, answer(decodeField(name as V1FieldName, into))));
    }
  };
  return () => {
    region.read = read;
  };
}

const BAD_DRIVERS: readonly (readonly [what: string, lies: Lies, message: RegExp])[] = [
  [
    'whose pending count never falls',
    { 'pending.compatible': () => 4096 },
    /pending\.precopy_only 0, compatible 4096 and postcopy_only \d+ do not fall, though 16 buffers were read/,
  ],
  [
    'that puts data outside of its region',
    { 'data.offset': () => 2 ** 30 },
    /data\.offset 1073741824 and data\.size \d+ are not in the data part \[76, \d+\) of the region/,
  ],
  [
    'that gives more data than the region holds',
    { 'data.size': (value) => value + 2 ** 21 },
    /data\.offset 4096 and data\.size \d+ are not in the data part/,
  ],
  [
    'that answers a state it was not asked for',
    { device_state: (value) => (value === V1State.MIGRATION_STOPNCOPY ? V1State.RUNNING : value) },
    /device_state: asked for MIGRATION_STOPNCOPY \(4\), the device answers RUNNING \(1\)/,
  ],
  [
    'that answers what is no state',
    { device_state: (value) => (value === V1State.MIGRATION_PRECOPY ? 77 : value) },
    /device_state: the device answers 77, which is no state/,
  ],
  [
    'that reports more dirty pages than there are',
    { 'dirty_pfns.copied': (value) => value * 1000 },
    /dirty_pfns\.copied is \d+, but only \d+ pages were left to report/,
  ],
  [
    'whose counts cannot be',
    { 'pending.postcopy_only': () => Number.MAX_SAFE_INTEGER },
    /pending\.precopy_only \d+, compatible \d+ and postcopy_only 9007199254740991 are more than 2\^53/,
  ],
];

for (const [what, lies, message] of BAD_DRIVERS) {
  test(`a v1 driver ${what} fails the migration by field and value, and its device runs on`, async (context) => {
    const pair = await MachinePair.create(context, {
      devices: [device('d', { model: 'gpu', protocol: 'v1', 'dirty-rate': 65536 })],
    });
    const model = pair.source.machine.hardware.devices[0]!.device;
    assert.ok(model instanceof V1Model);
    const beHonest = lie(model, lies);
    await execute(pair.destination, 'migrate-incoming', { uri: pair.uri, 'exit-on-error': false });
    await execute(pair.source, 'migrate', { uri: pair.uri });
    await pair.until(pair.source, 'MIGRATION failed');
    beHonest();
    await pair.clock.advanceUntil(() => pair.source.machine.guest.running);
    assert.match(String(pair.source.machine.migrations.info()['error-desc']), message);
    await pair.clock.advance(10);
    assert.equal(model.state, 2);
    assert.equal(model.verify().errors, 0);

    await pair.until(pair.destination, 'MIGRATION failed');
    for (const { events } of [pair.source, pair.destination]) events.length = 0;
    await pair.start();
    await pair.ended();
    assert.ok(pair.destination.events.includes('MIGRATION completed'), pair.source.warnings.join());
  });
}
