import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeVersion, encodeVersion } from '../src/protocol/capabilities.js';

function version(json: string, end = '\0'): Buffer {
  return Buffer.concat([Buffer.from([0, 0, 2, 0]), Buffer.from(json + end)]);
}

test('without JSON the defaults of the specification hold', () => {
  assert.deepEqual(decodeVersion(Buffer.from([0, 0, 1, 0])), {
    major: 0,
    minor: 1,
    capabilities: {
      maxMessageFds: 1,
      maxDataTransferSize: 1048576,
      maxDmaMaps: 65535,
      pageSizes: 4096,
      writeMultiple: false,
      twinSocket: { supported: false },
    },
  });
});

test("QEMU's offer is understood", () => {
  const offer =
    '{"capabilities":{"pgsizes":4096,"max_msg_fds":16,"max_dma_maps":65535,"max_data_xfer_size":1048576,' +
    '"migration":{"max_bitmap_size":268435456,"pgsize":4096},"write_multiple":true}}';
  const { capabilities } = decodeVersion(version(offer));
  assert.equal(capabilities.maxMessageFds, 16);
  assert.equal(capabilities.writeMultiple, true);
  assert.deepEqual(capabilities.migration, { pageSize: 4096, maxBitmapSize: 268435456 });
});

test('what is encoded is decoded', () => {
  const decoded = decodeVersion(
    version('{"capabilities":{"max_msg_fds":3,"twin_socket":{"supported":true,"fd_index":0}}}'),
  );
  assert.deepEqual(decodeVersion(encodeVersion(decoded)), decoded);
});

for (const [what, payload] of [
  ['no version', Buffer.from([0, 0])],
  ['no final NUL', version('{}', '')],
  ['no JSON', version('{"capabilities":')],
  ['an array', version('[]')],
  ['capabilities that are none', version('{"capabilities":7}')],
  ['a negative count', version('{"capabilities":{"max_msg_fds":-1}}')],
  ['a text for a count', version('{"capabilities":{"max_data_xfer_size":"1"}}')],
  ['a count for a flag', version('{"capabilities":{"write_multiple":1}}')],
  ['JSON without end', version(`{"a":"${'x'.repeat(20_000)}"}`)],
] as const) {
  test(`${what} is EINVAL`, () => {
    assert.throws(() => decodeVersion(payload), { code: 'EINVAL' });
  });
}
