import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerHandshake } from '../../src/websocket/handshake.js';
import { upgradeRequest } from './client.js';

const now = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));
const answer = (lines: readonly string[]) => answerHandshake(lines.join('\r\n'), now);
const without = (field: string) => upgradeRequest.filter((line) => !line.startsWith(`${field}:`));
const withField = (field: string, value: string) => [...without(field), `${field}: ${value}`];

test('a request is answered as in the example of the specification', () => {
  assert.deepEqual(answer(upgradeRequest), {
    response: [
      'HTTP/1.1 101 Switching Protocols',
      'Server: godwit',
      'Date: Fri, 02 Jan 2026 03:04:05 GMT',
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
      'Sec-WebSocket-Protocol: binary',
      '',
      '',
    ].join('\r\n'),
  });
});

test('a client that names no subprotocol is told of none', () => {
  const { response, refusal } = answer(without('Sec-WebSocket-Protocol'));
  assert.equal(refusal, undefined);
  assert.ok(!response.includes('Protocol:'));
});

test('names of fields, and what is asked for, may be written in any case', () => {
  const lines = [...without('Upgrade'), 'UPGRADE:   WebSocket'];
  assert.equal(answer(lines).refusal, undefined);
});

test('a request that cannot be met is refused, with a status and the reason', () => {
  const cases: [readonly string[], string, RegExp][] = [
    [['GET / HTTP/1.0', ...upgradeRequest.slice(1)], '400', /^Unsupported HTTP version HTTP\/1\.0$/],
    [['POST / HTTP/1.1', ...upgradeRequest.slice(1)], '400', /^Unsupported HTTP method POST$/],
    [['GET /other HTTP/1.1', ...upgradeRequest.slice(1)], '404', /^Unexpected HTTP path \/other$/],
    [['GET'], '400', /^Missing HTTP path delimiter$/],
    [['GET /'], '400', /^Missing HTTP version delimiter$/],
    [without('Sec-WebSocket-Version'), '400', /^Missing websocket version/],
    [without('Sec-WebSocket-Key'), '400', /^Missing websocket key/],
    [without('Host'), '400', /^Missing websocket host/],
    [without('Connection'), '400', /^Missing websocket connection/],
    [without('Upgrade'), '400', /^Missing websocket upgrade/],
    [withField('Sec-WebSocket-Version', '12'), '400', /^Version '13' is not supported by client '12'$/],
    [withField('Sec-WebSocket-Key', 'short'), '400', /^Key length '5' was not as expected '24'$/],
    [
      withField('Sec-WebSocket-Protocol', 'text'),
      '400',
      /^No 'binary' protocol is supported by client 'text'$/,
    ],
    [withField('Connection', 'close'), '400', /^No connection upgrade requested 'close'$/],
    [withField('Upgrade', 'h2c'), '400', /^Incorrect upgrade method 'h2c'$/],
    [[...upgradeRequest, 'no colon'], '400', /^Malformed HTTP header$/],
    [[...upgradeRequest, ...Array<string>(40).fill('X: y')], '400', /^Too many HTTP headers$/],
  ];
  for (const [lines, status, reason] of cases) {
    const { response, refusal } = answer(lines);
    assert.match(refusal ?? '', reason);
    assert.ok(response.startsWith(`HTTP/1.1 ${status} `), response);
    assert.ok(response.includes('\r\nConnection: close\r\n') && response.endsWith('\r\n\r\n'), response);
  }
});

test('a request that does not end is too large', () => {
  const { response, refusal } = answerHandshake(undefined, now);
  assert.match(response, /^HTTP\/1\.1 403 Request Entity Too Large\r\n/);
  assert.match(refusal ?? '', /not found in first 4096 bytes/);
});
