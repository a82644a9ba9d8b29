import assert from 'node:assert/strict';
import { connect as connectSocket, Socket } from 'node:net';
import { join } from 'node:path';
import { connect, next, refused, withClient } from './client.js';
import type { Check } from './stage.js';

/** The VNC server, its passwords, and a viewer that comes by a descriptor. */
export const displays: readonly Check[] = [
  {
    name: 'a viewer comes and goes, and events follow it',
    run: async (stage) => {
      const path = join(stage.folder, 'vnc');
      const client = await connect(stage, await stage.start(['-S', '-vnc', `unix:${path}`]));
      const [connected, initialized] = [next(client, 'VNC_CONNECTED'), next(client, 'VNC_INITIALIZED')];
      const viewer = connectSocket(path);
      await handshake(viewer);
      assert.equal((await connected).client.family, 'unix');
      assert.equal((await initialized).server.service, path);
      const { enabled, clients } = await client.execute('query-vnc');
      assert.deepEqual([enabled, clients?.length], [true, 1]);
      const disconnected = next(client, 'VNC_DISCONNECTED');
      viewer.destroy();
      await disconnected;
      await client.close();
    },
  },
  {
    name: 'a viewer comes by a descriptor',
    run: withClient(async (client, { native }) => {
      const [ours, theirs] = native.socketpair();
      await client.execute('getfd', { fdname: 'viewer' }, { fds: [{ fd: theirs, handOver: true }] });
      await client.execute('add_client', { protocol: 'vnc', fdname: 'viewer', skipauth: true });
      const viewer = new Socket({ fd: ours });
      await handshake(viewer);
      viewer.destroy();
      await refused(
        client.execute('add_client', { protocol: 'vnc', fdname: 'viewer' }),
        /File descriptor named 'viewer' has not been found/,
      );
    }),
  },
  {
    name: 'passwords and addresses of the VNC server',
    run: withClient(async (client) => {
      await client.execute('set_password', { protocol: 'vnc', password: 'secret', connected: 'keep' });
      await client.execute('expire_password', { protocol: 'vnc', time: 'never' });
      await client.execute('change-vnc-password', { password: 'other' });
      const [server] = await client.execute('query-vnc-servers');
      assert.equal(server?.auth, 'vnc');
      await refused(client.execute('display-reload', { type: 'vnc', 'tls-certs': true }), /./);
      await client.execute('display-update', { type: 'vnc', addresses: [] }).catch(() => {});
    }),
  },
];

/** What a viewer says until it is let in, without a password. */
async function handshake(viewer: Socket): Promise<void> {
  const chunks: Buffer[] = [];
  let length = 0;
  const take = async (wanted: number): Promise<Buffer> => {
    while (length < wanted) {
      const chunk = await new Promise<Buffer>((resolve, reject) => {
        viewer.once('data', resolve);
        viewer.once('error', reject);
      });
      chunks.push(chunk);
      length += chunk.length;
    }
    const all = Buffer.concat(chunks.splice(0));
    chunks.push(all.subarray(wanted));
    length -= wanted;
    return all.subarray(0, wanted);
  };
  const version = await take(12);
  viewer.write(version);
  const [count] = await take(1);
  const types = await take(count!);
  assert(types.includes(1), 'the server offers no way in without a password');
  viewer.write(Uint8Array.of(1));
  assert.equal((await take(4)).readUInt32BE(), 0);
  viewer.write(Uint8Array.of(1));
  await take(24);
}
