import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Channel, StreamError } from '../src/index.js';
import { StreamReader } from '../src/stream/reader.js';
import { PREAMBLE_BYTES, RECORD_HEADER_BYTES, recordTypes } from '../src/stream/records.js';
import { type OutgoingRecord, StreamWriter } from '../src/stream/writer.js';

/** A channel that keeps what is written, and one that gives it back. */
function recorder(): Channel & { readonly chunks: Buffer[] } {
  const chunks: Buffer[] = [];
  return {
    chunks,
    write: async (parts) => {
      for (const part of parts) chunks.push(Buffer.from(part));
    },
    readExactly: async () => false,
    close: () => {},
  };
}

function player(bytes: Buffer): Channel {
  let position = 0;
  return {
    write: async () => {},
    readExactly: async (into) => {
      if (position === bytes.length) return false;
      if (position + into.length > bytes.length)
        throw new Error('the channel ended in the middle of a message');
      into.set(bytes.subarray(position, position + into.length));
      position += into.length;
      return true;
    },
    close: () => {},
  };
}

async function written(...records: readonly OutgoingRecord[]): Promise<Buffer> {
  const channel = recorder();
  const writer = new StreamWriter(channel);
  await writer.begin();
  await writer.write(...records);
  const bytes = Buffer.concat(channel.chunks);
  assert.equal(writer.bytes, bytes.length);
  return bytes;
}

const anyRecord = fc
  .tuple(
    fc.constantFrom(...Object.values(recordTypes)),
    fc.uint8Array({ minLength: 64, maxLength: 64 }),
    fc.nat(0xffff),
  )
  .map(([type, bytes, subject]) => ({
    type,
    subject,
    payload: bytes.subarray(0, Math.min(type.maxPayload, Math.max(type.minPayload, bytes[0]! % 64))),
  }));

test('records arrive as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecord, async (record) => {
      const bytes = await written(record);
      const reader = new StreamReader(player(bytes), record.type.from);
      await reader.begin();
      const read = await reader.next();
      assert.equal(read?.type, record.type);
      assert.equal(read.subject, record.subject);
      assert.deepEqual(Uint8Array.from(read.payload), record.payload);
      assert.equal(await reader.next(), undefined);
      assert.equal(reader.bytes, bytes.length);
    }),
  );
});

test('a change of any byte is noticed', async () => {
  await fc.assert(
    fc.asyncProperty(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), async (record, where, mask) => {
      const bytes = await written(record);
      bytes[where % bytes.length]! ^= mask;
      const reader = new StreamReader(player(bytes), record.type.from);
      await assert.rejects(async () => {
        await reader.begin();
        await reader.next();
      }, StreamError);
    }),
  );
});

test('a stream that ends inside a record is an error, wherever it ends', async () => {
  const bytes = await written({ type: recordTypes.RAM_ROUND, payload: Buffer.alloc(4) });
  for (let length = 0; length < bytes.length; length++) {
    if (length === PREAMBLE_BYTES) continue;
    const reader = new StreamReader(player(bytes.subarray(0, length)), 'source');
    await assert.rejects(async () => {
      await reader.begin();
      await reader.next();
    }, `${length} bytes`);
  }
});

test('what is not a stream, or of a version to come, is refused by name', async () => {
  const http = new StreamReader(player(Buffer.from('GET / HTTP/1.1\r\n')), 'source');
  await assert.rejects(http.begin(), { name: 'StreamError', message: 'not a migration stream' });
  const bytes = await written();
  bytes.writeUInt32BE(9, 8);
  const later = new StreamReader(player(bytes), 'source');
  await assert.rejects(later.begin(), { message: 'unsupported migration stream version 9 (supported: 2)' });
});

test('a record from the wrong side is refused', async () => {
  const bytes = await written({ type: recordTypes.LOADED });
  const reader = new StreamReader(player(bytes), 'source');
  await reader.begin();
  await assert.rejects(reader.next(), {
    message: `unexpected LOADED record at offset ${PREAMBLE_BYTES}: only a destination sends it`,
  });
});

test('a length beyond the limit of its record is refused before anything is allocated', async () => {
  const { crc32 } = await import('node:zlib');
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.writeUInt16BE(recordTypes.DEVICE_DATA.type, 0);
  header.writeUInt32BE(0xffff_fff0, 4);
  header.writeUInt32BE(crc32(header.subarray(0, 12)), 12);
  const reader = new StreamReader(player(Buffer.concat([await written(), header])), 'source');
  await reader.begin();
  await assert.rejects(
    reader.next(),
    /DEVICE_DATA record at offset 12 has an impossible length of 4294967280 bytes/,
  );
});
