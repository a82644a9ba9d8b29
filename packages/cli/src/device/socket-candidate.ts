import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { checkDevice, NoDevice } from '@godwit/vfio';
import { RemoteDevice, VfioUserClient } from '@godwit/vfio-user';
import type { Candidate } from './candidate.js';
import { LentDevice } from './lent-device.js';
import { notOffered } from './not-offered.js';

/**
 * The one device that a vfio-user server at `path` has; a rule that wants a fresh device gets it after a reset, and over a
 * connection of its own where the last was lost.
 */
export function socketCandidate(path: string, limitMs: number): Candidate {
  return {
    name: path,
    async check() {
      const clock = new SystemClock();
      const native = requireNative('--socket');
      let client = await VfioUserClient.connect(path, { native, clock });
      try {
        let device = await RemoteDevice.of(client);
        const { lacks, estimated } = await notOffered(client, device);
        const reconnect = async () => {
          try {
            client = await VfioUserClient.connect(path, { native, clock });
            device = await RemoteDevice.of(client);
          } catch (error) {
            throw new NoDevice(`the server is gone: ${(error as Error).message}`);
          }
        };
        const fresh = async () => {
          if (client.closed) await reconnect();
          await device.dmaLogging.stop();
          await device.reset();
          return new LentDevice(device);
        };
        const report = await checkDevice(fresh, {
          limit: { clock, ms: limitMs },
          estimatedPrecopyInfo: estimated,
        });
        return [{ name: path, report, notOffered: lacks }];
      } finally {
        client.close();
      }
    },
  };
}
