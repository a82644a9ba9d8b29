import type { Clock } from '@godwit/clock';
import type { DeviceRegion, DmaMemory, MigratableDevice } from '../device.js';
import type { DeviceConfig } from '../v1/v1-device.js';
import type { ModelDefinition } from './definition.js';
import type { Verification } from './device-memory.js';
import type { Faults } from './faults.js';
import type { Properties } from './property.js';

/** What a model is given of the world. */
export interface ModelEnvironment {
  readonly clock: Clock;
  /** The guest's memory; without it every DMA is refused. */
  readonly memory?: DmaMemory;
  /** Bytes of the guest's memory: a driver of `protocol=v1` refuses to report dirty pages beyond it. */
  readonly memorySize?: number;
  /** The device raises its interrupt. A guest that reads INTERRUPT_STATUS knows what for. */
  readonly interrupt?: () => void;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  /** What user space keeps for the device; a device with `protocol=v1` carries it in its stream. */
  readonly config?: DeviceConfig;
  /** Receives a line for each access to the region of a device with `protocol=v1,trace=on`. */
  readonly trace?: (line: string) => void;
}

/** A device of one of the models, whichever protocol it is migrated by. */
export interface ModelledDevice extends MigratableDevice {
  readonly model: string;
  readonly properties: Properties;
  /** Equal on both ends of a migration: the model, the layout of its state, the protocol. */
  readonly compatible: string;
  /** False with `migration=off`: it runs, can be reset, and refuses every change of state with ENOTTY. */
  readonly migratable: boolean;
  /** The stream holds what was given as {@link ModelEnvironment.config}. */
  readonly carriesConfig: boolean;
  readonly pci: ModelDefinition['pci'];
  /** What the guest can reach: the registers as `bar0`, and what the model has beside them. */
  readonly regions: readonly DeviceRegion[];
  /** What will go wrong; can be changed at any time. Stream faults count for streams opened later. */
  readonly faults: Faults;
  /** Checks the device's own memory, in any state. */
  verify(): Verification;
}
