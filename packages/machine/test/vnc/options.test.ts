import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCommandLine } from '../../src/options/command-line.js';
import { configurationFrom } from '../../src/options/configuration.js';

const vnc = (...args: string[]) => configurationFrom(parseCommandLine(args)).vnc;

/** As a QEMU 7.2 words them, but where it does what this machine does not. */
const REFUSED: readonly (readonly [string, string])[] = [
  ['foo', 'no vnc port specified'],
  ['localhost:', 'vnc port cannot be empty'],
  ['localhost:abc', "can't convert to a number: abc"],
  ['localhost:70000', 'port 70000 out of range'],
  ['unix:/x,share=bad', 'unknown vnc share= option'],
  ['unix:/x,to=9', 'Port range not support with UNIX socket'],
  ['unix:/x,foo=1', "Invalid parameter 'foo'"],
  ['unix:/x,password=maybe', "Parameter 'password' expects 'on' or 'off'"],
  ['unix:/x,connections=x', "Parameter 'connections' expects a number"],
  ['unix:/x,password=on,password-secret=s', "'password' flag is redundant with 'password-secret'"],
  ['unix:/x,tls-authz=a', "'tls-authz' provided but TLS is not enabled"],
  ['unix:/x,sasl-authz=a', "'sasl-authz' provided but SASL auth is not enabled"],
  ['unix:/x,display=d', "Device 'd' not found"],
  ['unix:/x,audiodev=a', "Audiodev 'a' not found"],
  ['unix:/x,sasl=on', 'VNC SASL auth requires cyrus-sasl support'],
  ['unix:/x,websocket=unix:/y', 'UNIX sockets not supported with websock'],
  [':5,websocket=on,reverse=on', 'Cannot use websockets in reverse mode'],
  [':5,websocket=h:', 'vnc port cannot be empty'],
  [':5,websocket=x', 'address resolution failed for :x: Servname not supported for ai_socktype'],
  [':5,to=4', 'Failed to create a socket'],
  [':5,ipv4=off,ipv6=off', 'Cannot disable IPv4 and IPv6 at same time'],
  ['unix:', 'UNIX socket path must not be empty'],
  [`unix:/${'a'.repeat(107)}`, `UNIX socket path '/${'a'.repeat(107)}' is too long`],
];

test('what -vnc cannot mean is refused in one line', () => {
  for (const [text, reason] of REFUSED) {
    assert.throws(() => vnc('-vnc', text), { message: `-vnc ${text}: ${reason}` });
  }
  assert.throws(() => vnc('-display', 'gtk'), /Parameter 'type' does not accept value 'gtk'/);
  assert.throws(() => vnc('-display', 'vnc'), /VNC requires a display argument vnc=<display>/);
  assert.throws(() => vnc('-vnc', 'none,id=a', '-vnc', 'none,id=a'), /Duplicate ID 'a' for vnc/);
});

test('addresses of VNC servers count displays from port 5900 on', () => {
  const address = (text: string) => vnc('-vnc', text)[0]!.address;
  assert.deepEqual(address('unix:/run/a,,b'), { kind: 'unix', path: '/run/a,b' });
  assert.deepEqual(address('localhost:3'), { kind: 'tcp', host: 'localhost', port: 5903, lastPort: 5903 });
  assert.deepEqual(address('[::1]:0,to=9'), { kind: 'tcp', host: '::1', port: 5900, lastPort: 5909 });
  assert.deepEqual(address(':1'), { kind: 'tcp', host: '0.0.0.0', port: 5901, lastPort: 5901 });
  assert.deepEqual(address(':5500,reverse=on'), { kind: 'tcp', host: '', port: 5500, lastPort: 5500 });
  assert.deepEqual(address(':1,ipv6=on'), {
    kind: 'tcp',
    host: '::',
    port: 5901,
    lastPort: 5901,
    family: 6,
  });
  assert.equal(address('none'), undefined);
});

test('viewers in web pages have a port of their own, from 5700 on or the one that is given', () => {
  const address = (text: string) => vnc('-vnc', text)[0]!.webAddress;
  const tcp = (host: string, port: number, lastPort = port) => ({ kind: 'tcp', host, port, lastPort });
  assert.deepEqual(address('localhost:3,websocket=on'), tcp('localhost', 5703));
  assert.deepEqual(address(':3,to=9,websocket'), tcp('0.0.0.0', 5703, 5709));
  assert.deepEqual(address(':3,websocket=8080'), tcp('0.0.0.0', 8080));
  assert.deepEqual(address('localhost:3,websocket=[::1]:8080'), tcp('::1', 8080));
  assert.deepEqual(address('unix:/x,websocket=on'), tcp('0.0.0.0', 5700));
  for (const none of ['none,websocket=on', ':3,websocket=off', ':3']) assert.equal(address(none), undefined);
});

test('servers without a name get one, and -display vnc= is the same as -vnc', () => {
  const servers = vnc(
    '-vnc',
    'none',
    '-vnc',
    'none,id=mine',
    '-display',
    'vnc=none,password=on',
    '-display',
    'none',
  );
  assert.deepEqual(
    servers.map(({ id, password, share, connections }) => [id, password, share, connections]),
    [
      ['default', false, 'allow-exclusive', 32],
      ['mine', false, 'allow-exclusive', 32],
      ['vnc2', true, 'allow-exclusive', 32],
    ],
  );
});
