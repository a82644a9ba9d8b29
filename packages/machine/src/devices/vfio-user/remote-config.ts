import type { StateSection } from '@godwit/migration';
import { PciRegion, type VfioUserClient } from '@godwit/vfio-user';
import type { DeviceWindow } from '../vfio-device.js';

const SIZE = 256;
const VENDOR_AND_DEVICE = 4;
const WORD = 4;

const Register = { COMMAND: 0x04, STATUS: 0x06, CAPABILITIES: 0x34 } as const;
const STATUS_CAPABILITIES = 0x10;
const COMMAND_MEMORY_AND_MASTER = 0x06;

/** Where a capability is enabled: the register behind its head, and the bit in it. */
const ENABLE_OFFSET = 2;
const CAPABILITY_ENABLE: Readonly<Record<'msi' | 'msix', { readonly id: number; readonly bit: number }>> = {
  msi: { id: 0x05, bit: 0x0001 },
  msix: { id: 0x11, bit: 0x8000 },
};
/** As many capabilities as fit; a longer chain goes in a circle. */
const MAX_CAPABILITIES = 48;

/**
 * The configuration space of a device of another process. It is the device's own; the machine remembers what is in it, as
 * it is the machine that saves it beside the device's state, and writes it to the device of the destination.
 */
export class RemoteConfig implements DeviceWindow {
  readonly name = 'config';
  readonly size = SIZE;
  readonly #client: VfioUserClient;
  readonly #bytes: Buffer;
  readonly #failed: (error: Error) => void;

  /** @param failed told when what a migration brought could not be written */
  static async read(client: VfioUserClient, failed: (error: Error) => void): Promise<RemoteConfig> {
    const bytes = Buffer.alloc(SIZE);
    await client.readRegion(PciRegion.CONFIG, 0, bytes);
    return new RemoteConfig(client, bytes, failed);
  }

  private constructor(client: VfioUserClient, bytes: Buffer, failed: (error: Error) => void) {
    this.#client = client;
    this.#bytes = bytes;
    this.#failed = failed;
  }

  /** Vendor and device, as `1b36:0100`. */
  get identity(): string {
    const hex = (offset: number) => this.#bytes.readUInt16LE(offset).toString(16).padStart(4, '0');
    return `${hex(0)}:${hex(2)}`;
  }

  read(offset: number, into: Uint8Array): void | Promise<void> {
    if (!this.#client.closed) return this.#client.readRegion(PciRegion.CONFIG, offset, into);
    into.fill(0xff);
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    if (this.#client.closed) return;
    await this.#client.writeRegion(PciRegion.CONFIG, offset, from);
    // What the device has made of it.
    await this.#client.readRegion(
      PciRegion.CONFIG,
      offset,
      this.#bytes.subarray(offset, offset + from.length),
    );
  }

  /** Lets the device answer, reach memory and signal, as firmware and a driver do. Called again after each reset of it. */
  async enable(interrupts: 'msi' | 'msix' | undefined): Promise<void> {
    await this.#client.readRegion(PciRegion.CONFIG, 0, this.#bytes);
    await this.#set(Register.COMMAND, COMMAND_MEMORY_AND_MASTER);
    if (interrupts === undefined) return;
    const { id, bit } = CAPABILITY_ENABLE[interrupts];
    const at = this.#findCapability(id);
    if (at !== undefined) await this.#set(at + ENABLE_OFFSET, bit);
  }

  /** A reset of the device resets it too. */
  reset(): void {}

  section(name: string): StateSection {
    return {
      name,
      version: 1,
      save: () => Uint8Array.from(this.#bytes),
      load: (state, version) => {
        if (version !== 1) throw new Error(`${name}: version ${version} is not known`);
        if (state.length !== SIZE) throw new Error(`${name}: ${state.length} bytes instead of ${SIZE}`);
        if (!this.#bytes.subarray(0, VENDOR_AND_DEVICE).equals(state.subarray(0, VENDOR_AND_DEVICE))) {
          throw new Error(`${name}: it is of another device than ${this.identity}`);
        }
        // Requests are answered in order: the device has it before it is asked to run.
        this.#restore(state).catch(this.#failed);
      },
    };
  }

  async #restore(state: Uint8Array): Promise<void> {
    const words = Array.from({ length: SIZE / WORD }, (_, index) => index * WORD);
    const different = words.filter(
      (at) => !this.#bytes.subarray(at, at + WORD).equals(state.subarray(at, at + WORD)),
    );
    await Promise.all(different.map((at) => this.write(at, Uint8Array.from(state.subarray(at, at + WORD)))));
  }

  /** Sets bits of a 16-bit register. */
  async #set(offset: number, bits: number): Promise<void> {
    const value = Buffer.alloc(2);
    value.writeUInt16LE(this.#bytes.readUInt16LE(offset) | bits);
    await this.write(offset, value);
  }

  #findCapability(id: number): number | undefined {
    if ((this.#bytes.readUInt16LE(Register.STATUS) & STATUS_CAPABILITIES) === 0) return undefined;
    let at = this.#bytes.readUInt8(Register.CAPABILITIES) & ~3;
    for (let count = 0; at !== 0 && count < MAX_CAPABILITIES; count++) {
      if (this.#bytes.readUInt8(at) === id) return at;
      at = this.#bytes.readUInt8(at + 1) & ~3;
    }
    return undefined;
  }
}
