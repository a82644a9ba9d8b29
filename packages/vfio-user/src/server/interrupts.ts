import { readlinkSync } from 'node:fs';
import type { Native } from '@godwit/native';
import { VfioError } from '@godwit/vfio';
import { IrqFlag, IrqSetFlag } from '../protocol/messages.js';
import { PciIrq } from '../protocol/pci-indexes.js';
import { UnmaskEventfd } from './unmask-eventfd.js';

export interface IrqRequest {
  readonly flags: number;
  readonly index: number;
  readonly start: number;
  readonly count: number;
}

interface Line {
  eventfd: number | undefined;
  masked: boolean;
  /** Raised while it could not be signalled. */
  waiting: boolean;
  /** Signalled, and not unmasked by the client since: INTx only. */
  delivered: boolean;
  /** By which the client unmasks it. */
  unmask: UnmaskEventfd | undefined;
}

/** INTx masks itself when it is raised, as a level-triggered line needs; the client unmasks it. */
export function irqFlags(index: number, count: number): number {
  if (count === 0) return 0;
  return index === PciIrq.INTX ? IrqFlag.EVENTFD | IrqFlag.MASKABLE | IrqFlag.AUTOMASKED : IrqFlag.EVENTFD;
}

/** The interrupts of a function, each an eventfd that the client gave. */
export class Interrupts {
  readonly #native: Native;
  #lines: readonly (readonly Line[])[] = [];
  #asserted = false;
  #intxDisabled = false;

  constructor(native: Native) {
    this.#native = native;
  }

  /** Says how many interrupts there are of each {@link PciIrq}; until then there are none. */
  define(counts: readonly number[]): void {
    this.clear();
    this.#lines = Array.from({ length: PciIrq.COUNT }, (_, index) =>
      Array.from({ length: counts[index] ?? 0 }, () => ({
        eventfd: undefined,
        masked: false,
        waiting: false,
        delivered: false,
        unmask: undefined,
      })),
    );
  }

  /** How many interrupts there are of a type. */
  count(index: number): number {
    return this.#lines[index]?.length ?? 0;
  }

  /**
   * Raises interrupt `vector` by whatever the guest has enabled: MSI-X, MSI, or the INTx line once.
   * False where it has enabled none.
   */
  raise(vector = 0): boolean {
    for (const index of [PciIrq.MSIX, PciIrq.MSI]) {
      const lines = this.#lines[index] ?? [];
      if (lines.some(({ eventfd }) => eventfd !== undefined)) {
        const line = lines[vector];
        return line !== undefined && this.#signal(line, false);
      }
    }
    const intx = this.#lines[PciIrq.INTX]?.[0];
    return intx !== undefined && this.#signal(intx, true);
  }

  /** Sets the level of the INTx line; while it is asserted, each unmasking by the client signals again. */
  setIntx(asserted: boolean): void {
    if (asserted === this.#asserted) return;
    this.#asserted = asserted;
    const line = this.#lines[PciIrq.INTX]?.[0];
    if (line === undefined) return;
    if (asserted) {
      this.#signal(line, true);
      return;
    }
    line.waiting = false;
    line.delivered = false;
  }

  /** The interrupt bit of the status register: the line is asserted, or was raised and is not unmasked yet. */
  get intxPending(): boolean {
    const line = this.#lines[PciIrq.INTX]?.[0];
    return line !== undefined && (this.#asserted || line.waiting || line.delivered);
  }

  /** The interrupt disable bit of the command register: what is pending is signalled once it is clear. */
  setIntxDisabled(disabled: boolean): void {
    if (disabled === this.#intxDisabled) return;
    this.#intxDisabled = disabled;
    const line = this.#lines[PciIrq.INTX]?.[0];
    if (disabled || line === undefined || line.masked || !(line.waiting || this.#asserted)) return;
    this.#signal(line, true);
  }

  /** DEVICE_SET_IRQS. Takes the descriptors out of `fds` where it keeps them. EINVAL for what makes no sense. */
  set({ flags, index, start, count }: IrqRequest, data: Uint8Array, fds: number[]): void {
    const lines = this.#lines[index];
    const kind = flags & IrqSetFlag.DATA_MASK;
    const action = flags & IrqSetFlag.ACTIONS;
    if (lines === undefined || (flags & ~(IrqSetFlag.DATA_MASK | IrqSetFlag.ACTIONS)) !== 0) {
      throw new VfioError('EINVAL', 'an interrupt type or flag that does not exist');
    }
    if (!isOneBit(kind) || !isOneBit(action)) {
      throw new VfioError('EINVAL', 'an interrupt request needs one kind of data and one action');
    }
    if (start + count > lines.length) throw new VfioError('EINVAL', 'interrupts that do not exist');
    if (fds.length > 0 && kind !== IrqSetFlag.DATA_EVENTFD) {
      throw new VfioError('EINVAL', 'descriptors that the request does not speak of');
    }
    const chosen = lines.slice(start, start + count);
    if (kind === IrqSetFlag.DATA_EVENTFD) {
      this.#assign(chosen, action, index, fds);
      return;
    }
    if (kind === IrqSetFlag.DATA_BOOL && data.length !== count) {
      throw new VfioError('EINVAL', `${data.length} flags for ${count} interrupts`);
    }
    if (kind === IrqSetFlag.DATA_NONE && count === 0) {
      if (start !== 0 || action !== IrqSetFlag.ACTION_TRIGGER) {
        throw new VfioError('EINVAL', 'no interrupts');
      }
      for (const line of lines) this.#disable(line);
      return;
    }
    for (const [position, line] of chosen.entries()) {
      if (kind === IrqSetFlag.DATA_BOOL && data[position] === 0) continue;
      this.#act(line, action, index);
    }
  }

  /** The client has gone: its eventfds are closed. */
  clear(): void {
    for (const lines of this.#lines) for (const line of lines) this.#disable(line);
  }

  #assign(lines: readonly Line[], action: number, index: number, fds: number[]): void {
    const unmasks = action === IrqSetFlag.ACTION_UNMASK && index === PciIrq.INTX;
    if (action !== IrqSetFlag.ACTION_TRIGGER && !unmasks) {
      throw new VfioError('EINVAL', 'eventfds are for interrupts, and for the unmasking of INTx');
    }
    if (fds.length !== 0 && fds.length !== lines.length) {
      throw new VfioError('EINVAL', `${fds.length} descriptors for ${lines.length} interrupts`);
    }
    if (!fds.every(isEventfd)) throw new VfioError('EINVAL', 'a descriptor that is no eventfd');
    const given = fds.splice(0);
    for (const [position, line] of lines.entries()) {
      if (unmasks) {
        this.#unmaskBy(line, given[position]);
        continue;
      }
      this.#disable(line);
      line.eventfd = given[position];
      // A line that is asserted signals to whoever listens from now on.
      if (line === this.#lines[PciIrq.INTX]?.[0] && this.#asserted) this.#signal(line, true);
    }
  }

  #unmaskBy(line: Line, fd: number | undefined): void {
    line.unmask?.close();
    line.unmask =
      fd === undefined
        ? undefined
        : new UnmaskEventfd(this.#native, fd, () => this.#act(line, IrqSetFlag.ACTION_UNMASK, PciIrq.INTX));
  }

  #act(line: Line, action: number, index: number): void {
    if (action === IrqSetFlag.ACTION_TRIGGER) {
      this.#signal(line, index === PciIrq.INTX);
    } else if (action === IrqSetFlag.ACTION_MASK) {
      line.masked = true;
    } else {
      line.masked = false;
      line.delivered = false;
      const again = line.waiting || (index === PciIrq.INTX && this.#asserted);
      line.waiting = false;
      if (again) this.#signal(line, index === PciIrq.INTX);
    }
  }

  #signal(line: Line, automask: boolean): boolean {
    if (line.eventfd === undefined) return false;
    if (line.masked || (automask && this.#intxDisabled)) {
      line.waiting = true;
      return true;
    }
    line.waiting = false;
    if (automask) {
      line.masked = true;
      line.delivered = true;
    }
    this.#native.signalEventfd(line.eventfd);
    return true;
  }

  #disable(line: Line): void {
    if (line.eventfd !== undefined) this.#native.close(line.eventfd);
    line.eventfd = undefined;
    line.unmask?.close();
    line.unmask = undefined;
    line.masked = false;
    line.waiting = false;
    line.delivered = false;
  }
}

function isOneBit(bits: number): boolean {
  return bits !== 0 && (bits & (bits - 1)) === 0;
}

function isEventfd(fd: number): boolean {
  return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventfd]';
}
