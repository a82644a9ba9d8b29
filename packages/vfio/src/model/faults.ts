import { VfioError } from '../error.js';
import type { DeviceState } from '../states.js';
import { ARCS, arcName } from '../transitions.js';
import type { Properties } from './property.js';

/** An arc that fails. */
export interface ArcFault {
  readonly from: DeviceState;
  readonly to: DeviceState;
  /** Where the device is afterwards: where it was, or in the error state. */
  readonly leaves: 'from' | 'error';
  /** The open data stream, if any, is dead from then on. */
  readonly killsStream: boolean;
  /** How often it fails; Infinity: always. */
  times: number;
}

/** What goes wrong with a device, by its properties or added while it runs. Positions are bytes of a data stream. */
export class Faults {
  readonly arcs: ArcFault[] = [];
  failReadAt: number | undefined;
  failWriteAt: number | undefined;
  corruptAt: number | undefined;

  static of(properties: Properties): Faults {
    const faults = new Faults();
    const names = properties.text('fail-arc').split('+');
    for (const { from, to } of ARCS) {
      if (!names.includes(arcName(from, to))) continue;
      const leaves = properties.text('fail-leaves') === 'error' ? 'error' : 'from';
      const times = properties.number('fail-count') || Infinity;
      faults.arcs.push({ from, to, leaves, killsStream: properties.isOn('fail-stream'), times });
    }
    const position = (name: string) => {
      const value = properties.number(name);
      return value < 0 ? undefined : value;
    };
    faults.failReadAt = position('fail-read-at');
    faults.failWriteAt = position('fail-write-at');
    faults.corruptAt = position('corrupt-at');
    return faults;
  }

  /** The fault of that arc, counted as having happened; undefined when the arc works. */
  takeArc(from: DeviceState, to: DeviceState): ArcFault | undefined {
    const fault = this.arcs.find((arc) => arc.from === from && arc.to === to && arc.times > 0);
    if (fault !== undefined) fault.times--;
    return fault;
  }

  clear(): void {
    this.arcs.length = 0;
    this.failReadAt = undefined;
    this.failWriteAt = undefined;
    this.corruptAt = undefined;
  }
}

/** Where a stream of a device has got to, and what happens to it on the way. */
export class StreamFaults {
  readonly #failAt: number;
  readonly #corruptAt: number | undefined;
  #position = 0;
  #dead: VfioError | undefined;

  constructor(failAt: number | undefined, corruptAt?: number) {
    this.#failAt = failAt ?? Infinity;
    this.#corruptAt = corruptAt;
  }

  /** How many of `wanted` bytes still work; EIO when none do. */
  allow(wanted: number): number {
    if (this.#dead !== undefined) throw this.#dead;
    if (this.#position >= this.#failAt) {
      this.kill(`the data stream fails at byte ${this.#failAt}`);
      throw this.#dead!;
    }
    return Math.min(wanted, this.#failAt - this.#position);
  }

  /** `bytes` went through; the one that should go out wrong does. */
  passed(bytes: Uint8Array): void {
    const at = this.#corruptAt === undefined ? -1 : this.#corruptAt - this.#position;
    if (at >= 0 && at < bytes.length) bytes[at]! ^= 0x01;
    this.#position += bytes.length;
  }

  kill(reason: string): void {
    this.#dead ??= new VfioError('EIO', reason);
  }
}
