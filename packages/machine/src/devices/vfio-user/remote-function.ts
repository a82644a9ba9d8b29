import type { Native } from '@godwit/native';
import { type MigratableDevice, VfioError } from '@godwit/vfio/contract';
import { type MemoryRange, PciRegion, RemoteDevice, type VfioUserClient } from '@godwit/vfio-user';
import type { GuestMemory } from '../../memory/index.js';
import { ImmovableDevice } from './immovable-device.js';
import { RemoteConfig } from './remote-config.js';
import { RemoteInterrupts } from './remote-interrupts.js';
import { RemoteWindow } from './remote-window.js';

export interface RemoteFunctionOptions {
  readonly native: Native;
  readonly client: VfioUserClient;
  readonly ram: GuestMemory;
  readonly raised: () => void;
  /** Told of what went wrong that nobody waits for. */
  readonly failed: (error: Error) => void;
}

/** A PCI function of another process as part of a machine: what the guest reaches of it, and what it reaches of the machine. */
export class RemoteFunction {
  readonly device: MigratableDevice;
  /** The server offers migration. */
  readonly migratable: boolean;
  readonly windows: readonly RemoteWindow[];
  readonly config: RemoteConfig;
  readonly #interrupts: RemoteInterrupts;

  /** Gives the server the guest's memory and eventfds. What was made is given back where it rejects, but for the client. */
  static async open(options: RemoteFunctionOptions): Promise<RemoteFunction> {
    const { native, client, ram, raised, failed } = options;
    // From here on the server may write to it.
    ram.markUsed();
    for (const range of memoryRanges(ram)) await client.mapMemory(range);
    const interrupts = await RemoteInterrupts.connect(native, client, raised);
    try {
      const config = await RemoteConfig.read(client, failed);
      const enable = () => config.enable(interrupts.capability);
      await enable();
      const remote = await migratableDevice(client, enable);
      return new RemoteFunction(options, remote ?? new ImmovableDevice(client), remote !== undefined, {
        config,
        interrupts,
      });
    } catch (error) {
      interrupts.close();
      throw error;
    }
  }

  private constructor(
    { native, client }: RemoteFunctionOptions,
    device: MigratableDevice,
    migratable: boolean,
    { config, interrupts }: { config: RemoteConfig; interrupts: RemoteInterrupts },
  ) {
    this.device = device;
    this.migratable = migratable;
    this.config = config;
    this.#interrupts = interrupts;
    this.windows = client.regions
      .filter(({ index, size }) => index >= PciRegion.BAR0 && index <= PciRegion.BAR5 && size > 0)
      .map((region) => new RemoteWindow(native, client, region, () => interrupts.unmask()));
  }

  /** Releases mappings and eventfds. The client is closed with the device. */
  close(): void {
    for (const window of this.windows) window.close();
    this.#interrupts.close();
  }
}

async function migratableDevice(
  client: VfioUserClient,
  afterReset: () => Promise<void>,
): Promise<RemoteDevice | undefined> {
  try {
    return await RemoteDevice.of(client, { afterReset });
  } catch (error) {
    if (error instanceof VfioError && error.code === 'EOPNOTSUPP') return undefined;
    throw error;
  }
}

function* memoryRanges({ segments, descriptor: fd }: GuestMemory): Iterable<MemoryRange> {
  for (const { address, bytes } of segments) {
    yield { address, bytes, ...(fd === undefined ? {} : { file: { fd, offset: address } }) };
  }
}
