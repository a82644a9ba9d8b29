import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { native } from '@godwit/native';
import { DescriptorChannel } from '../src/channel/descriptor-channel.js';
import { type Channel, connectSocketChannel, type SocketAddress, SocketListener } from '../src/index.js';

type Transport = (typeof transports)[number];

/** Unix sockets by the addon's calls, unix sockets by Node's, and tcp. */
const transports = ['unix', 'unix of Node', 'tcp'] as const;

async function connected(t: TestContext, transport: Transport): Promise<[Channel, Channel]> {
  const address: SocketAddress =
    transport === 'tcp' ? { type: 'inet', host: '127.0.0.1', port: 0 } : unixAddress(t);
  const addon = transport === 'unix' ? native : undefined;
  const listener = new SocketListener(1, addon);
  const bound = await listener.listen(address);
  const [client, server] = await Promise.all([
    connectSocketChannel(bound, undefined, addon),
    listener.accept(),
  ]);
  t.after(() => {
    client.close();
    server.close();
    listener.close();
  });
  return [client, server];
}

function unixAddress(t: TestContext): SocketAddress & { type: 'unix' } {
  const folder = mkdtempSync(join(tmpdir(), 'godwit-channel-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return { type: 'unix', path: join(folder, 'socket') };
}

/** How many sockets this process has open. */
function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

for (const transport of transports) {
  test(`${transport}: bytes arrive whole, in order, in whatever portions they are read`, async (t) => {
    const [client, server] = await connected(t, transport);
    const bytes = randomFillSync(Buffer.alloc(3 << 20));
    const writing = (async () => {
      for (let offset = 0; offset < bytes.length; offset += 700_001) {
        const part = bytes.subarray(offset, offset + 700_001);
        await client.write([part.subarray(0, 5), part.subarray(5, 4096), part.subarray(4096)]);
      }
    })();
    const into = Buffer.alloc(bytes.length);
    const portions = [1, 16, 4096, 100_000, 300_001, 1 << 20];
    for (let offset = 0, turn = 0; offset < into.length; turn++) {
      const length = Math.min(portions[turn % portions.length]!, into.length - offset);
      assert.equal(await server.readExactly(into.subarray(offset, offset + length)), true);
      offset += length;
      // Reading pauses now and then, as it does while a device takes its data.
      if (turn % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
    assert.ok(into.equals(bytes));
  });
}

for (const transport of transports) {
  test(`${transport}: memory that is shared between threads can be sent and read into`, async (t) => {
    const [client, server] = await connected(t, transport);
    const from = new Uint8Array(new SharedArrayBuffer(1 << 20)).fill(7);
    const into = new Uint8Array(new SharedArrayBuffer(1 << 20));
    const reading = server.readExactly(into);
    await client.write([from]);
    assert.equal(await reading, true);
    assert.ok(Buffer.from(into).equals(Buffer.from(from)));
  });
}

for (const transport of transports) {
  test(`${transport}: both directions can be full at once`, async (t) => {
    const [client, server] = await connected(t, transport);
    const bytes = Buffer.alloc(2 << 20, 1);
    const into = [Buffer.alloc(bytes.length), Buffer.alloc(bytes.length)] as const;
    const done = await Promise.all([
      client.write([bytes]),
      server.write([bytes]),
      client.readExactly(into[0]),
      server.readExactly(into[1]),
    ]);
    assert.deepEqual(done.slice(2), [true, true]);
  });
}

for (const transport of transports) {
  test(`${transport}: a clean end is told from one in the middle, and what was written before it arrives`, async (t) => {
    const [client, server] = await connected(t, transport);
    await client.write([Buffer.from('0123456789')]);
    client.close();
    assert.equal(await server.readExactly(Buffer.alloc(4)), true);
    await assert.rejects(server.readExactly(Buffer.alloc(8)), /ended in the middle/);
    assert.equal(await server.readExactly(Buffer.alloc(1)), false);
  });
}

for (const transport of transports) {
  test(`${transport}: closing a channel ends what is pending on it, and leaves no descriptor`, async (t) => {
    const before = openSockets();
    const [client, server] = await connected(t, transport);
    const reading = assert.rejects(client.readExactly(Buffer.alloc(1)), /closed/);
    const writing = assert.rejects(client.write([Buffer.alloc(64 << 20), Buffer.alloc(1)]));
    client.close();
    client.close();
    await Promise.all([reading, writing]);
    await assert.rejects(client.write([Buffer.alloc(1)]));
    await assert.rejects(async () => {
      while (await server.readExactly(Buffer.alloc(1 << 16)));
      throw new Error('ended');
    });
    server.close();
    // The listener is still there.
    for (let turn = 0; turn < 1000 && openSockets() > before + 1; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(openSockets() <= before + 1, `${openSockets()} sockets, ${before} before`);
  });
}

test('a listener lets in as many as it was told, and removes its socket', async (t) => {
  const address = unixAddress(t);
  const listener = new SocketListener(1);
  await listener.listen(address);
  const first = await connectSocketChannel(address);
  const server = await listener.accept();
  const second = await connectSocketChannel(address);
  await assert.rejects(async () => {
    if (!(await second.readExactly(Buffer.alloc(1)))) throw new Error('turned away');
  });
  listener.close();
  await assert.rejects(listener.accept(), /closed/);
  await assert.rejects(connectSocketChannel(address), { code: 'ENOENT' });
  for (const channel of [first, server, second]) channel.close();
});

test('as many connections as are let in may come at once', { skip: native === undefined }, async (t) => {
  const address = unixAddress(t);
  const listener = new SocketListener(256);
  await listener.listen(address);
  // Nothing is accepted meanwhile: no turn of the event loop passes.
  const opening = Array.from({ length: 256 }, () => connectSocketChannel(address));
  const channels = await Promise.all(opening);
  for (const _ of channels) (await listener.accept()).close();
  for (const channel of channels) channel.close();
  listener.close();
});

test('over a unix socket a descriptor goes with the bytes; one is kept for who takes it', {
  skip: native === undefined,
}, async (t) => {
  const before = readdirSync('/proc/self/fd').length;
  const [client, server] = await connected(t, 'unix');
  assert.equal(client.carriesDescriptors, true);
  const sent = native!.eventfd(7);
  for (const byte of [1, 2]) await client.write([Uint8Array.of(byte)], sent);
  const into = new Uint8Array(1);
  await server.readExactly(into);
  const taken = server.takeDescriptor?.();
  assert.ok(taken !== undefined && taken !== sent);
  assert.equal(native!.readEventfd(taken), 7);
  assert.equal(server.takeDescriptor?.(), undefined);

  // What nobody takes is closed with the channel, and no more than one waits for that.
  await client.write([Uint8Array.of(3)], sent);
  await server.readExactly(into);
  await server.readExactly(into);
  assert.equal(into[0], 3);
  for (const descriptor of [sent, taken]) native!.close(descriptor);
  client.close();
  server.close();
  // The listener's own two are left until the test has ended.
  assert.equal(readdirSync('/proc/self/fd').length, before + 2);
});

test('more descriptors than anybody would send break the connection, and none is left', {
  skip: native === undefined,
}, async () => {
  const before = readdirSync('/proc/self/fd').length;
  const [sender, receiver] = native!.socketpair();
  const channel = new DescriptorChannel(native!, receiver, true);
  native!.sendmsg(sender, [Uint8Array.of(1)], new Array(40).fill(sender));
  await assert.rejects(channel.readExactly(new Uint8Array(1)), { code: 'EMSGSIZE' });
  channel.close();
  native!.close(sender);
  assert.equal(readdirSync('/proc/self/fd').length, before);
});

test('a path that does not fit into a socket address is an error, not another path', async () => {
  const address = { type: 'unix', path: `/tmp/${'x'.repeat(120)}` } as const;
  const expected = /^MigrationError: UNIX socket path '.*' is too long$/;
  await assert.rejects(connectSocketChannel(address), expected);
  await assert.rejects(new SocketListener().listen(address), expected);
});

test('connecting can be given up', async () => {
  const controller = new AbortController();
  controller.abort();
  await assert.rejects(
    connectSocketChannel({ type: 'inet', host: '127.0.0.1', port: 1 }, controller.signal),
    /connecting was cancelled/,
  );
});
