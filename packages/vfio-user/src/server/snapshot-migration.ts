import { crc32 } from 'node:zlib';
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
import { Layout } from '../protocol/layout.js';
import type { MemoryRegion } from './memory-region.js';

/** What a device does for a {@link SnapshotMigration}. */
export interface SnapshotSource {
  /** All of the state, while the device stands still. */
  save(): Uint8Array;
  /**
   * Takes over what {@link save} gave; `ahead` is what {@link preCopy} gave before.
   * Throws a VfioError EINVAL where it makes no sense.
   */
  load(state: Uint8Array, ahead: readonly Uint8Array[]): void;
  /** What can be sent while the device still runs, to be sent before the rest. Present: the device offers PRE_COPY. */
  preCopy?(): Uint8Array;
  /** The device may work from now on, or must stand still: no change of its state, no interrupt, no DMA. */
  running?(running: boolean): void;
  /** Back to what it was at first. */
  reset(): void;
  /**
   * The stream is nothing but what {@link preCopy} and {@link save} give, and {@link load} gets all of it at once: for a
   * format that others have set, and that has checks of its own. Otherwise each part goes with its length and a CRC-32.
   */
  readonly unframed?: boolean;
}

/** The largest state that is taken in, in bytes. */
const MAX_STATE = 64 * 1024 * 1024;

/** Precedes a part of the stream; the CRC-32 is that of the part. */
const FRAME = new Layout({ magic: 'u32', kind: 'u32', length: 'u32', crc: 'u32' });
/** "snap", little-endian. */
const MAGIC = 0x7061_6e73;
const Kind = { AHEAD: 1, STATE: 2 } as const;

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

  /** Of a device whose state is what its regions hold, and nothing else: a reset fills them with zeros. */
  static of(...regions: readonly MemoryRegion[]): SnapshotMigration {
    const size = regions.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return new SnapshotMigration({
      save: () => Buffer.concat(regions.map(({ bytes }) => bytes)),
      load: (state) => {
        if (state.length !== size) {
          throw new VfioError('EINVAL', `a state of ${state.length} bytes, where the device has ${size}`);
        }
        let at = 0;
        for (const { bytes } of regions) {
          bytes.set(state.subarray(at, at + bytes.length));
          at += bytes.length;
        }
      },
      reset: () => {
        for (const { bytes } of regions) bytes.fill(0);
      },
    });
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
    const left = this.#outgoing?.length ?? 0;
    if (this.#state === DeviceState.STOP_COPY) return left;
    return left + this.#source.save().length + (this.#source.unframed ? 0 : FRAME.size);
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
    const ahead = effect === 'open-saving' && isPreCopy(next) ? this.#source.preCopy?.() : undefined;
    if (ahead !== undefined) this.#append(Kind.AHEAD, ahead);
    if (next === DeviceState.STOP_COPY) this.#append(Kind.STATE, this.#source.save());
  }

  /** What pre-copy has begun to send must be sent to its end. */
  #append(kind: number, state: Uint8Array): void {
    const part = this.#source.unframed ? state : frame(kind, state);
    this.#outgoing = Buffer.concat([this.#outgoing ?? new Uint8Array(), part]);
  }

  #load(): void {
    try {
      const stream = Buffer.concat(this.#incoming ?? []);
      const { state, ahead } = this.#source.unframed ? { state: stream, ahead: [] } : unframe(stream);
      this.#source.load(state, ahead);
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

function frame(kind: number, part: Uint8Array): Buffer {
  const header = FRAME.encode({ magic: MAGIC, kind, length: part.length, crc: crc32(part) });
  return Buffer.concat([header, part]);
}

/** Takes the stream apart: any number of parts ahead, then the state, then nothing. EINVAL for anything else. */
function unframe(stream: Buffer): { state: Uint8Array; ahead: Uint8Array[] } {
  const ahead: Uint8Array[] = [];
  for (let at = 0; ; ) {
    const { magic, kind, length, crc } = FRAME.read(stream, at);
    const part = stream.subarray(at + FRAME.size, at + FRAME.size + length);
    if (magic !== MAGIC || part.length !== length || crc32(part) !== crc) {
      throw new VfioError('EINVAL', `the state is cut off or corrupt from byte ${at} on`);
    }
    at += FRAME.size + length;
    if (kind === Kind.AHEAD) {
      ahead.push(part);
      continue;
    }
    if (kind !== Kind.STATE || at !== stream.length) {
      throw new VfioError('EINVAL', `the state does not end at byte ${at}`);
    }
    return { state: part, ahead };
  }
}
