import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestMachine, execute } from '../support/test-machine.js';

const GUEST = { path: '/machine/guest', property: 'clock' };
/** What the clock of the test machine shows at first. */
const START = '2023-11-14T22:13:20';

test('a guest that sets its clock makes RTC_CHANGE, with the offset from the base', async (context) => {
  const machine = await createTestMachine();
  context.after(() => machine.close());
  assert.equal(await execute(machine, 'qom-get', GUEST), START);
  const changed = machine.client.once('RTC_CHANGE');
  await execute(machine, 'qom-set', { ...GUEST, value: '2023-11-15T22:13:20' });
  assert.deepEqual(
    { ...((await changed).data as object) },
    { offset: 86_400, 'qom-path': '/machine/unattached/device[1]' },
  );
  assert.equal(await execute(machine, 'qom-get', GUEST), '2023-11-15T22:13:20');
});

test('a clock is set only to dates, and only by a guest that runs', async (context) => {
  const machine = await createTestMachine();
  context.after(() => machine.close());
  await assert.rejects(
    execute(machine, 'qom-set', { ...GUEST, value: 'noon' }),
    /Parameter 'clock' expects a date such as 2006-06-17T16:01:21/,
  );
  await assert.rejects(
    execute(machine, 'qom-set', { ...GUEST, value: 7 }),
    /Invalid parameter type for 'clock', expected: string/,
  );
  await execute(machine, 'stop');
  await assert.rejects(execute(machine, 'qom-set', { ...GUEST, value: START }), /does not run/);
});
