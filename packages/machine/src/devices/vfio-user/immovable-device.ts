import {
  DeviceState,
  type DmaLogging,
  type MigratableDevice,
  type PrecopyInfo,
  type ReadResult,
  VfioError,
} from '@godwit/vfio/contract';
import type { VfioUserClient } from '@godwit/vfio-user';

/** A device whose server offers no migration: it always runs, and blocks the migration of its machine. */
export class ImmovableDevice implements MigratableDevice {
  readonly flags = { p2p: false, preCopy: false };
  readonly #client: VfioUserClient;
  readonly dmaLogging: DmaLogging = {
    active: false,
    start: refuse,
    stop: async () => {},
    report: refuse,
  };

  constructor(client: VfioUserClient) {
    this.#client = client;
  }

  get state(): DeviceState {
    return this.#client.closed ? DeviceState.ERROR : DeviceState.RUNNING;
  }

  setState(): Promise<void> {
    return refuse();
  }

  readData(): Promise<ReadResult> {
    return refuse();
  }

  writeData(): Promise<void> {
    return refuse();
  }

  precopyInfo(): Promise<PrecopyInfo> {
    return refuse();
  }

  dataSize(): Promise<number> {
    return refuse();
  }

  reset(): Promise<void> {
    return this.#client.reset();
  }

  close(): void {
    this.#client.close();
  }
}

async function refuse(): Promise<never> {
  throw new VfioError('EOPNOTSUPP', 'the vfio-user server does not support migration');
}
