import type { StateSection } from '@godwit/migration';
import type { DeviceConfig, DeviceRegion } from '@godwit/vfio';
import { ConfigSpace, type PciIdentity } from '@godwit/vfio-user';

/**
 * The PCI configuration space that the machine keeps for a device, as QEMU does: what the guest writes there is not the
 * device's own, and is saved beside its state. The machine places the device's windows, so it shows no BARs.
 */
export class PciConfig implements DeviceRegion, DeviceConfig {
  readonly name = 'config';
  readonly #space: ConfigSpace;
  readonly #identity: PciIdentity;

  constructor(identity: PciIdentity) {
    this.#identity = identity;
    this.#space = emptySpace(identity);
  }

  get size(): number {
    return this.#space.size;
  }

  get maxSize(): number {
    return this.size;
  }

  read(offset: number, into: Uint8Array): void {
    this.#space.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.#space.write(offset, from);
  }

  reset(): void {
    this.#space.reset();
  }

  save(): Uint8Array {
    return Uint8Array.from(this.#space.bytes);
  }

  /** Throws, and changes nothing, where the bytes cannot be of a device like this one. */
  load(bytes: Uint8Array): void {
    if (bytes.length !== this.size) {
      throw new Error(`a configuration space has ${this.size} bytes, not ${bytes.length}`);
    }
    const loaded = emptySpace(this.#identity);
    loaded.write(0, bytes);
    const wrong = loaded.bytes.findIndex((byte, offset) => byte !== bytes[offset]);
    if (wrong >= 0) {
      throw new Error(
        `byte 0x${hex(wrong)} of the configuration space is 0x${hex(bytes[wrong]!)} and would be 0x${hex(loaded.bytes[wrong]!)} here`,
      );
    }
    this.#space.write(0, bytes);
  }

  section(name: string): StateSection {
    return {
      name,
      version: 1,
      save: () => this.save(),
      load: (state, version) => {
        if (version !== 1) throw new Error(`${name}: version ${version} is not known`);
        this.load(state);
      },
    };
  }
}

function emptySpace(identity: PciIdentity): ConfigSpace {
  return new ConfigSpace({ identity, bars: [], intx: false, msi: 0 });
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}
