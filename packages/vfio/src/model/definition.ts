import type { DeviceRegion } from '../device.js';
import type { MigrationFlags } from '../flags.js';
import type { CommonRegister } from './common-registers.js';
import type { DeviceMemory } from './device-memory.js';
import type { DmaPort } from './dma-port.js';
import type { Properties, PropertyDefinition } from './property.js';
import type { RegisterDefinition, Registers } from './registers.js';

/** What a model is, as data, and how its behaviour is made. Each folder of src/models exports one. */
export interface ModelDefinition<Name extends string = string> {
  /** At most 16 ASCII characters: it is in the data stream. */
  readonly name: string;
  readonly description: string;
  /** What it offers unless the properties `p2p` and `pre-copy` say otherwise. */
  readonly flags: MigrationFlags;
  /** Default of the property `state-size`, in bytes. */
  readonly stateSize: number;
  /** How it shows itself on a PCI bus. The class is the 24-bit class code. */
  readonly pci: { readonly vendorId: number; readonly deviceId: number; readonly classCode: number };
  /** Registers of its own, from 0x100 on. */
  readonly registers: Readonly<Record<Name, RegisterDefinition>>;
  readonly properties: readonly PropertyDefinition[];
  /** Bytes of the device memory that belong to the guest: a multiple of the block size, at most `state-size`. */
  guestMemory(properties: Properties): number;
  create(parts: ModelParts<Name>): ModelLogic;
}

/** What the behaviour of a model is made of. */
export interface ModelParts<Name extends string> {
  readonly registers: Registers<Name | CommonRegister>;
  readonly memory: DeviceMemory;
  readonly dma: DmaPort;
  readonly properties: Properties;
  /** Replaces the contents of the device's own memory; a migration in pre-copy starts over (REINIT). */
  regenerate(): void;
}

/** The behaviour of a model. It keeps no state of its own: all of it is registers and memory, and so migrates. */
export interface ModelLogic {
  /** Regions beside the registers. */
  readonly regions?: readonly DeviceRegion[];
  /** Puts non-zero defaults into the registers. */
  reset?(): void;
  /**
   * Does what the registers ask for, as far as it can; whether there was anything. Called after guest writes and whenever
   * DMA becomes possible; DMA is open.
   */
  work(): boolean;
}
