import type { DeviceRegion, ModelledDevice } from '@godwit/vfio';
import type { ServedRegion } from './function.js';
import { PciFunction } from './pci-function.js';

/**
 * A device model as a PCI function: its registers and its memory are the BARs, in order. Its interrupt is the INTx pin or
 * the one MSI-X vector; the model has to be made with a way to raise it ({@link Interrupts.raise}).
 */
export function modelFunction(model: ModelledDevice): PciFunction {
  return new PciFunction({
    ...model.pci,
    intx: true,
    msix: 1,
    bars: Object.fromEntries(model.regions.map((region, index) => [index, padded(region)])),
    ...(model.migratable && { migration: model }),
  });
}

/** A BAR has a power of two of bytes; behind the region's own there are zeros, and writes have no effect. */
function padded(region: DeviceRegion): ServedRegion {
  const size = 2 ** Math.ceil(Math.log2(Math.max(4096, region.size)));
  const inside = (offset: number, length: number) => Math.max(0, Math.min(length, region.size - offset));
  return {
    size,
    read: (offset, into) => {
      const length = inside(offset, into.length);
      if (length > 0) region.read(offset, into.subarray(0, length));
    },
    write: (offset, from) => {
      const length = inside(offset, from.length);
      if (length > 0) region.write(offset, from.subarray(0, length));
    },
  };
}
