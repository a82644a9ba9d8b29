import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestMachine } from './support/test-machine.js';

const migration = { type: 'migration' };
const notFound = { errorClass: 'DeviceNotFound', message: 'Instance not found' };

test('what does not exist cannot be yanked, and nothing else is then', async () => {
  const { client, close } = await createTestMachine();
  assert.deepEqual(await client.executeOob('query-yank'), []);
  await assert.rejects(client.executeOob('yank', { instances: [migration] }), notFound);
  await assert.rejects(client.executeOob('yank', { instances: [{ type: 'chardev', id: 'x' }] }), notFound);
  await assert.rejects(
    client.executeOob('yank', { instances: [{ type: 'block-node', 'node-name': 'x' }] }),
    notFound,
  );
  await close();
});

test('postcopy commands say that there is no postcopy', async () => {
  const { client, close } = await createTestMachine();
  await assert.rejects(client.executeOob('migrate-pause'), /only supported during postcopy-active/);
  await assert.rejects(client.executeOob('migrate-recover', { uri: 'tcp::0' }), /when postcopy is paused/);
  await close();
});
