import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CloseCode, FrameReader, frame, Opcode, WebSocketError } from '../../src/websocket/frames.js';
import { binary, clientFrame, serverFrames } from './client.js';

/** What a reader makes of these bytes, cut into chunks. */
function read(bytes: Buffer, chunkLengths: readonly number[] = [bytes.length]) {
  const seen: string[] = [];
  const data: Uint8Array[] = [];
  const reader = new FrameReader({
    data: (payload) => data.push(payload),
    ping: (payload) => seen.push(`ping ${Buffer.from(payload).toString('hex')}`),
    close: () => seen.push('close'),
  });
  try {
    let at = 0;
    for (let index = 0; at < bytes.length; index++) {
      const end = at + chunkLengths[index % chunkLengths.length]!;
      reader.feed(bytes.subarray(at, end));
      at = end;
    }
  } catch (error) {
    assert.ok(error instanceof WebSocketError);
    seen.push(`${error.code} ${error.message}`);
  }
  return { data: Buffer.concat(data), seen };
}

const anyFrame = fc.oneof(
  fc.record({ payload: fc.uint8Array({ maxLength: 300 }), parts: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ ping: fc.uint8Array({ maxLength: 125 }) }),
  fc.record({ pong: fc.uint8Array({ maxLength: 125 }) }),
);

test('what binary frames carry, whole or in fragments, comes in any chunking, and pings between them', () => {
  fc.assert(
    fc.property(
      fc.array(anyFrame),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (frames, chunkLengths) => {
        const wire: Buffer[] = [];
        const expected: Uint8Array[] = [];
        const pings: string[] = [];
        for (const each of frames) {
          if ('ping' in each) {
            wire.push(clientFrame(Opcode.ping, each.ping));
            pings.push(`ping ${Buffer.from(each.ping).toString('hex')}`);
          } else if ('pong' in each) wire.push(clientFrame(Opcode.pong, each.pong));
          else {
            const step = Math.ceil(each.payload.length / each.parts);
            for (let part = 0; part < each.parts; part++) {
              const piece = each.payload.subarray(part * step, (part + 1) * step);
              const opcode = part === 0 ? Opcode.binary : Opcode.continuation;
              wire.push(clientFrame(opcode, piece, { final: part === each.parts - 1 }));
              // A control frame may come between the fragments of a message.
              wire.push(clientFrame(Opcode.pong, ''));
            }
            expected.push(each.payload);
          }
        }
        assert.deepEqual(read(Buffer.concat(wire), chunkLengths), {
          data: Buffer.concat(expected),
          seen: pings,
        });
      },
    ),
  );
});

test('a length may be written in more bytes than it needs', () => {
  const frames = ([0, 2, 8] as const).map((lengthBytes) =>
    clientFrame(Opcode.binary, 'abc', { lengthBytes }),
  );
  assert.equal(read(Buffer.concat(frames)).data.toString(), 'abcabcabc');
});

test('what a client must not send ends it with the reason', () => {
  const cases: [Buffer, string][] = [
    [
      clientFrame(1, 'text'),
      `${CloseCode.unsupportedData} only binary, close, ping, and pong frames are supported`,
    ],
    [
      clientFrame(3, ''),
      `${CloseCode.unsupportedData} only binary, close, ping, and pong frames are supported`,
    ],
    [
      clientFrame(1, 'te', { final: false }),
      `${CloseCode.policyViolation} only binary frames may be fragmented`,
    ],
    [
      clientFrame(9, '', { final: false }),
      `${CloseCode.policyViolation} only binary frames may be fragmented`,
    ],
    [clientFrame(2, 'plain', { masked: false }), `${CloseCode.protocolError} client frames must be masked`],
    [clientFrame(9, Buffer.alloc(126)), `${CloseCode.protocolError} control frame is too large`],
  ];
  for (const [bytes, error] of cases) {
    assert.deepEqual(read(Buffer.concat([binary('before'), bytes, binary('after')])), {
      data: Buffer.from('before'),
      seen: [error],
    });
  }
});

test('nothing is looked at after a close frame', () => {
  const close = clientFrame(Opcode.close, Buffer.from([0x03, 0xe8]));
  assert.deepEqual(read(Buffer.concat([close, close, clientFrame(1, 'text')])), {
    data: Buffer.alloc(0),
    seen: ['close'],
  });
});

test("a server's frames have lengths of every width", () => {
  const payloads = [0, 1, 125, 126, 65535, 65536].map((length) => Buffer.alloc(length, length));
  const wire = Buffer.concat(payloads.map((payload) => frame(Opcode.binary, payload)));
  const { frames, rest } = serverFrames(wire);
  assert.deepEqual(
    frames.map(([, payload]) => payload),
    payloads,
  );
  assert.equal(rest.length, 0);
});
