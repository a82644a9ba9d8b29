import type { MigratableDevice } from '@godwit/vfio';
import { PciRegion } from '../protocol/pci-indexes.js';
import { type ConfigBar, ConfigSpace, type PciCapability, type PciIdentity } from './config-space.js';
import type { ServedFunction, ServedRegion } from './function.js';
import type { Interrupts } from './interrupts.js';
import { MemoryRegion } from './memory-region.js';

export interface PciFunctionOptions extends PciIdentity {
  /** The BARs, by index 0 to 5. Their sizes are rounded up to what a BAR can have. */
  readonly bars: Readonly<Record<number, ServedRegion>>;
  readonly rom?: ServedRegion;
  /** The function has the INTx pin. Default false. */
  readonly intx?: boolean;
  /** MSI vectors. Default 0. */
  readonly msi?: number;
  /** MSI-X vectors; their table takes a BAR of its own. Default 0. */
  readonly msix?: number;
  /** Capabilities of the function's own, beside those for MSI and MSI-X. */
  readonly capabilities?: readonly PciCapability[];
  readonly migration?: MigratableDevice;
  /** Called by a reset, after the configuration space is back as it was, and after the migratable device was reset. */
  reset?(): void | Promise<void>;
}

/** MSI-X: 16 bytes a vector, then the pending bits. */
const MSIX_ENTRY = 16;
const MIN_BAR = 16;

/** A PCI function made of its BARs: configuration space, capabilities and the MSI-X table are added. */
export class PciFunction implements ServedFunction {
  readonly regions: readonly (ServedRegion | undefined)[];
  readonly interrupts: readonly number[];
  readonly migration?: MigratableDevice;
  readonly config: ConfigSpace;
  readonly #onReset: (() => void | Promise<void>) | undefined;

  constructor(options: PciFunctionOptions) {
    const regions: (ServedRegion | undefined)[] = Array(PciRegion.COUNT).fill(undefined);
    for (const [index, region] of Object.entries(options.bars)) {
      const bar = Number(index);
      if (!(bar >= PciRegion.BAR0 && bar <= PciRegion.BAR5)) throw new RangeError(`there is no BAR ${index}`);
      regions[bar] = region;
    }
    const msix = options.msix ?? 0;
    const msixBar = msix > 0 ? regions.indexOf(undefined) : undefined;
    const pendingOffset = Math.ceil((msix * MSIX_ENTRY) / 4096) * 4096;
    if (msixBar !== undefined) {
      if (msixBar > PciRegion.BAR5) throw new RangeError('no BAR is left for the MSI-X table');
      regions[msixBar] = new MemoryRegion(2 * Math.max(4096, pendingOffset));
    }
    const bars: ConfigBar[] = [];
    for (let index = PciRegion.BAR0; index <= PciRegion.BAR5; index++) {
      const size = regions[index]?.size;
      if (size !== undefined) bars.push({ index, size: Math.max(MIN_BAR, 2 ** Math.ceil(Math.log2(size))) });
    }
    this.config = new ConfigSpace({
      identity: options,
      bars,
      intx: options.intx ?? false,
      msi: options.msi ?? 0,
      ...(options.capabilities && { capabilities: options.capabilities }),
      ...(msixBar !== undefined && { msix: { vectors: msix, bar: msixBar, tableOffset: 0, pendingOffset } }),
    });
    regions[PciRegion.ROM] = options.rom;
    regions[PciRegion.CONFIG] = this.config;
    this.regions = regions;
    this.interrupts = [options.intx ? 1 : 0, options.msi ?? 0, options.msix ?? 0];
    if (options.migration !== undefined) this.migration = options.migration;
    this.#onReset = options.reset?.bind(options);
  }

  attach(interrupts: Interrupts): void {
    this.config.attach(interrupts);
  }

  async reset(): Promise<void> {
    this.config.reset();
    await this.migration?.reset();
    await this.#onReset?.();
  }
}
