import { SystemClock } from '@godwit/clock';
import { requireNative } from '@godwit/native';
import { checkDevice, type DeviceState, type DmaLogging, type MigratableDevice } from '@godwit/vfio';
import { RemoteDevice, VfioUserClient } from '@godwit/vfio-user';
import type { Candidate } from './candidate.js';

/** The one device that a vfio-user server at `path` has; a rule that wants a fresh device gets it after a reset. */
export function socketCandidate(path: string, limitMs: number): Candidate {
  return {
    name: path,
    async check() {
      const clock = new SystemClock();
      const client = await VfioUserClient.connect(path, {
        native: requireNative('device check --socket'),
        clock,
      });
      try {
        const device = await RemoteDevice.of(client);
        const fresh = async () => {
          await device.dmaLogging.stop();
          await device.reset();
          return new LentDevice(device);
        };
        return [{ name: path, report: await checkDevice(fresh, { limit: { clock, ms: limitMs } }) }];
      } finally {
        client.close();
      }
    },
  };
}

/** A device whose closing leaves it where it is, for the next rule. */
class LentDevice implements MigratableDevice {
  readonly #device: MigratableDevice;
  readonly dmaLogging: DmaLogging;

  constructor(device: MigratableDevice) {
    this.#device = device;
    this.dmaLogging = device.dmaLogging;
  }

  get flags() {
    return this.#device.flags;
  }

  get state() {
    return this.#device.state;
  }

  setState(wanted: DeviceState) {
    return this.#device.setState(wanted);
  }

  readData(into: Uint8Array) {
    return this.#device.readData(into);
  }

  writeData(from: Uint8Array) {
    return this.#device.writeData(from);
  }

  precopyInfo() {
    return this.#device.precopyInfo();
  }

  dataSize() {
    return this.#device.dataSize();
  }

  reset() {
    return this.#device.reset();
  }

  close(): void {}
}
