import {
  DeviceState,
  DmaLogger,
  type DmaLogging,
  isPreCopy,
  type MigratableDevice,
  type MigrationFlags,
  type PrecopyInfo,
  pathTo,
  type ReadResult,
  stateName,
  streamEffect,
  VfioError,
} from '@godwit/vfio';

/** What a device does for a {@link SnapshotMigration}. */
export interface SnapshotSource {
  /** All of the state, while the device stands still. */
  save(): Uint8Array;
  /**
   * Takes over what {@link preCopy} (as often as it was sent) and {@link save} gave, one after the other.
   * Throws a VfioError EINVAL where it makes no sense.
   */
  load(state: Uint8Array): void;
  /** What can be sent while the device still runs, to be sent before the rest. Present: the device offers PRE_COPY. */
  preCopy?(): Uint8Array;
  /** The device may work from now on, or must stand still: no change of its state, no interrupt, no DMA. */
  running?(running: boolean): void;
  /** Back to what it was at first. */
  reset(): void;
}

/** The largest state that is taken in, in bytes. */
const MAX_STATE = 64 * 1024 * 1024;

/** Makes a device migratable whose state is small enough to be saved in one piece. It offers STOP_COPY and P2P. */
export class SnapshotMigration implements MigratableDevice {
  readonly flags: MigrationFlags;
  readonly dmaLogging: DmaLogging;
  readonly #source: SnapshotSource;
  #state: DeviceState = DeviceState.RUNNING;
  /** What is left to read; undefined: no saving stream is open. */
  #outgoing: Uint8Array | undefined;
  #incoming: Uint8Array[] | undefined;
  #incomingBytes = 0;

  /** @param dmaLogging of the memory that the device writes to, where it has one of its own */
  constructor(source: SnapshotSource, dmaLogging: DmaLogging = new DmaLogger()) {
    this.#source = source;
    this.flags = { p2p: true, preCopy: source.preCopy !== undefined };
    this.dmaLogging = dmaLogging;
  }

  get state(): DeviceState {
    return this.#state;
  }

  async setState(wanted: DeviceState): Promise<void> {
    for (const next of pathTo(this.#state, wanted, this.flags)) this.#walk(next);
  }

  async readData(into: Uint8Array): Promise<ReadResult> {
    const outgoing = this.#outgoing;
    if (outgoing === undefined) throw this.#noStream('read');
    if (outgoing.length === 0) return { kind: isPreCopy(this.#state) ? 'empty' : 'end' };
    const length = Math.min(into.length, outgoing.length);
    into.set(outgoing.subarray(0, length));
    this.#outgoing = outgoing.subarray(length);
    return { kind: 'data', length };
  }

  async writeData(from: Uint8Array): Promise<void> {
    if (this.#incoming === undefined) throw this.#noStream('written');
    this.#incomingBytes += from.length;
    if (this.#incomingBytes > MAX_STATE)
      throw new VfioError('ENOSPC', `a state of more than ${MAX_STATE} bytes`);
    // Not slice(): that of a Buffer is no copy.
    this.#incoming.push(new Uint8Array(from));
  }

  async precopyInfo(): Promise<PrecopyInfo> {
    if (!isPreCopy(this.#state)) throw this.#noStream('read ahead');
    return { initialBytes: this.#outgoing?.length ?? 0, dirtyBytes: 0, reinit: false };
  }

  async dataSize(): Promise<number> {
    return this.#state === DeviceState.STOP_COPY
      ? (this.#outgoing?.length ?? 0)
      : this.#source.save().length + (this.#outgoing?.length ?? 0);
  }

  async reset(): Promise<void> {
    this.#dropStreams();
    this.#source.reset();
    this.#enter(DeviceState.RUNNING);
  }

  close(): void {
    this.#dropStreams();
    this.#enter(DeviceState.STOP);
  }

  #walk(next: DeviceState): void {
    const from = this.#state;
    const effect = streamEffect(from, next);
    if (effect === 'end' && from === DeviceState.RESUMING) this.#load();
    if (effect === 'end') this.#dropStreams();
    if (effect === 'open-resuming') this.#incoming = [];
    if (effect === 'open-saving') this.#outgoing = new Uint8Array();
    this.#enter(next);
    if (effect === 'open-saving' && isPreCopy(next))
      this.#outgoing = this.#source.preCopy?.() ?? new Uint8Array();
    if (next === DeviceState.STOP_COPY) this.#append(this.#source.save());
  }

  /** What pre-copy has begun to send must be sent to its end. */
  #append(state: Uint8Array): void {
    const begun = this.#outgoing ?? new Uint8Array();
    const all = new Uint8Array(begun.length + state.length);
    all.set(begun);
    all.set(state, begun.length);
    this.#outgoing = all;
  }

  #load(): void {
    const state = new Uint8Array(this.#incomingBytes);
    let at = 0;
    for (const part of this.#incoming ?? []) {
      state.set(part, at);
      at += part.length;
    }
    try {
      this.#source.load(state);
    } catch (error) {
      this.#dropStreams();
      this.#enter(DeviceState.ERROR);
      throw error;
    }
  }

  #dropStreams(): void {
    this.#outgoing = undefined;
    this.#incoming = undefined;
    this.#incomingBytes = 0;
  }

  #enter(state: DeviceState): void {
    const before = works(this.#state);
    this.#state = state;
    if (works(state) !== before) this.#source.running?.(works(state));
  }

  #noStream(done: string): VfioError {
    return new VfioError('EINVAL', `no data can be ${done} in state ${stateName(this.#state)}`);
  }
}

/** In the P2P states a device may only answer; one of these stands still instead. */
function works(state: DeviceState): boolean {
  return state === DeviceState.RUNNING || state === DeviceState.PRE_COPY;
}
