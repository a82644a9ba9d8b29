import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { checkDevice } from '@godwit/vfio';
import { RemoteDevice, VfioUserClient } from '@godwit/vfio-user';
import type { Candidate } from './candidate.js';
import { LentDevice } from './lent-device.js';
import { notOffered } from './not-offered.js';
import { ServerProcess } from './server-process.js';

/** The devices of servers that are started as `COMMAND SOCKET`, one for each device that a rule asks for. */
export function serverCandidate(command: string, limitMs: number): Candidate {
  return {
    name: command,
    async check() {
      const clock = new SystemClock();
      const native = requireNative('--server');
      const folder = mkdtempSync(join(tmpdir(), 'godwit-check-'));
      const servers: ServerProcess[] = [];
      const start = async () => {
        const socket = join(folder, `device${servers.length}.sock`);
        const server = new ServerProcess(command, socket, clock);
        servers.push(server);
        const client = await VfioUserClient.connect(await server.connect(native, socket), { native, clock });
        return { server, client, device: await RemoteDevice.of(client) };
      };
      try {
        const sample = await start();
        const { lacks, estimated } = await notOffered(sample.client, sample.device);
        sample.client.close();
        const fresh = async () => {
          const { server, client, device } = await start();
          const released = () => {
            client.close();
            server.kill();
          };
          const whyGone = async () => (client.closed ? server.whyGone() : undefined);
          return new LentDevice(device, released, whyGone);
        };
        const report = await checkDevice(fresh, {
          limit: { clock, ms: limitMs },
          estimatedPrecopyInfo: estimated,
        });
        return [{ name: command, report, notOffered: lacks }];
      } finally {
        for (const server of servers) server.kill();
        for (const server of servers) await server.gone();
        rmSync(folder, { recursive: true });
      }
    },
  };
}
