import type { Clock } from '@godwit/clock';
import type { DmaRange, MigratableDevice } from '../device.js';
import type { MigrationFlags } from '../flags.js';
import type { Trial } from './trial.js';

/** Something that every migratable device does, or never does. `T` is what a check works with. */
export interface Rule<T = Trial> {
  /** Group and name, e.g. `stream/end`. */
  readonly id: string;
  readonly title: string;
  /** Where it is written. */
  readonly source: string;
  /** Devices that the rule is about. Default: all. */
  applies?(flags: MigrationFlags, options: CheckOptions): boolean;
  /** Why the rule is not about a device. Default: 'not about this device'. */
  readonly otherwise?: string;
  /** Throws a {@link Violation}, or what the device threw where it should not have. */
  check(trial: T): Promise<void>;
}

/** A device broke a rule; the message says what it did and what it should have done. */
export class Violation extends Error {
  override readonly name = 'Violation';
}

/** There is no device to check a rule with, and why: it says nothing of the device. */
export class NoDevice extends Error {
  override readonly name = 'NoDevice';
}

/** A device cannot be brought to where a rule begins. */
export class Unprepared extends Error {
  override readonly name = 'Unprepared';
}

export interface CheckOptions {
  /** Lets a device run for that many milliseconds. Default: not at all. */
  run?(ms: number): Promise<void>;
  /** Guest memory that the device may write to, page-aligned; rules about DMA need it. */
  readonly dmaRange?: DmaRange;
  /** What the device knows of its own health; rules about loading use it where it is there. */
  errorsOf?(device: MigratableDevice): number;
  /** Nobody but the client of a device knows its pre-copy information, so that its numbers say nothing of the device. */
  readonly estimatedPrecopyInfo?: boolean;
  /** How long a rule may take, in milliseconds of that clock; after one that took longer, a tenth of it. Default: for ever. */
  readonly limit?: { readonly clock: Clock; readonly ms: number };
  /** Bytes beyond which a data stream is taken to be endless. Default: 4 GiB. */
  readonly maxStream?: number;
}

export const UAPI = 'linux/vfio.h';
export const KABI = 'VFIO KABI for migration interface (November 2018)';
