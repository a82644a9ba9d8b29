import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress, type SocketAddress } from '../src/index.js';

test('addresses are read in all their forms', () => {
  const cases: readonly (readonly [string, SocketAddress, string?])[] = [
    ['unix:/run/qmp.sock', { kind: 'unix', path: '/run/qmp.sock' }],
    ['unix:relative:4444', { kind: 'unix', path: 'relative:4444' }],
    ['/run/qmp.sock', { kind: 'unix', path: '/run/qmp.sock' }, 'unix:/run/qmp.sock'],
    ['./host:4444', { kind: 'unix', path: './host:4444' }, 'unix:./host:4444'],
    ['tcp:localhost:4444', { kind: 'tcp', host: 'localhost', port: 4444 }],
    ['localhost:4444', { kind: 'tcp', host: 'localhost', port: 4444 }, 'tcp:localhost:4444'],
    ['tcp::4444', { kind: 'tcp', host: '', port: 4444 }],
    ['[::1]:0', { kind: 'tcp', host: '::1', port: 0 }, 'tcp:[::1]:0'],
    ['fd:3', { kind: 'fd', fd: 3 }],
  ];
  for (const [text, address, formatted] of cases) {
    assert.deepEqual(parseAddress(text), address);
    assert.equal(formatAddress(address), formatted ?? text);
  }
});

test('what is no address is refused with its reason', () => {
  assert.throws(() => parseAddress('fd:x'), /'fd:x' is no address: fd: is followed by a number/);
  assert.throws(() => parseAddress('tcp:nowhere'), /tcp: is followed by HOST:PORT/);
  assert.throws(() => parseAddress('host:70000'), /port 70000 is above 65535/);
  assert.throws(() => parseAddress('unix:'), /path of a unix socket is empty/);
  assert.throws(() => parseAddress(`/${'x'.repeat(107)}`), /is too long: 108 bytes, and at most 107 fit/);
});
