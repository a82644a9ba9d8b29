import { crc32 } from 'node:zlib';
import { BlockSet } from './block-set.js';
import {
  encodeHello,
  MAX_RECORD_BLOCKS,
  RECORD_HEAD_SIZE,
  RECORD_OVERHEAD,
  RecordType,
  type StreamIdentity,
} from './record.js';

/** One record on its way out. */
interface OutgoingRecord {
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
  /** Counted as initial bytes; the rest are dirty bytes. */
  readonly initial: boolean;
  /** Bytes of device memory in it. */
  readonly blockBytes: number;
  /** Bytes of the record that were read so far. */
  position: number;
  crc: number;
  trailer: Uint8Array | undefined;
}

/**
 * Produces the data stream of a device from its memory, block by block, straight into the reader's buffer.
 * While the device runs it reports what it changes ({@link SavingStream.mark}); at the end its registers are added.
 */
export class SavingStream {
  readonly #memory: Uint8Array;
  readonly #identity: StreamIdentity;
  /** Blocks of the first pass that were not yet read, and blocks that changed after they were. */
  readonly #initial: BlockSet;
  readonly #dirty: BlockSet;
  /** Records besides blocks that wait to go out. */
  readonly #queue: { type: RecordType; payload: Uint8Array }[] = [];
  #registers: Uint8Array | undefined;
  #finished = false;
  #ended = false;
  #cursor = 0;
  #sequence = 0;
  #current: OutgoingRecord | undefined;

  constructor(memory: Uint8Array, identity: StreamIdentity) {
    this.#memory = memory;
    this.#identity = identity;
    this.#initial = new BlockSet(identity.blocks);
    this.#dirty = new BlockSet(identity.blocks);
    this.#initial.addAll();
    this.#queue.push({ type: RecordType.HELLO, payload: encodeHello(identity) });
  }

  /** The device wrote to that block. */
  mark(block: number): void {
    if (!this.#initial.has(block)) this.#dirty.add(block);
  }

  /** All of the memory is new: the first pass starts over. */
  restart(): void {
    this.#initial.addAll();
    this.#dirty.clear();
    this.#cursor = 0;
  }

  /** The device is stopped: what is left follows, then these registers, then the end. */
  finish(registers: Uint8Array): void {
    this.#finished = true;
    this.#registers = registers;
  }

  get initialBytes(): number {
    return this.#initial.count * this.#identity.blockSize + this.#unread(true);
  }

  get dirtyBytes(): number {
    return this.#dirty.count * this.#identity.blockSize + this.#unread(false);
  }

  /** Blocks that are still to be read. */
  get pendingBlocks(): number {
    return this.#initial.count + this.#dirty.count;
  }

  /** Fills `into` as far as there is data; 0: nothing for now, or {@link SavingStream.ended}. */
  read(into: Uint8Array): number {
    let filled = 0;
    while (filled < into.length) {
      this.#current ??= this.#nextRecord();
      if (this.#current === undefined) break;
      filled += this.#emit(this.#current, into, filled);
    }
    return filled;
  }

  get ended(): boolean {
    return this.#ended && this.#current === undefined;
  }

  #unread(initial: boolean): number {
    const record = this.#current;
    if (record === undefined || record.initial !== initial) return 0;
    const left = record.payload.length + RECORD_OVERHEAD - record.position;
    // Initial bytes only fall: a record that has begun is never more than the blocks that it took.
    return initial ? Math.min(left, record.blockBytes) : left;
  }

  #nextRecord(): OutgoingRecord | undefined {
    const queued = this.#queue.shift();
    if (queued !== undefined) return this.#record(queued.type, 0, queued.payload, true);
    const initial = this.#initial.takeRun(this.#cursor, MAX_RECORD_BLOCKS);
    const run = initial ?? this.#dirty.takeRun(this.#cursor, MAX_RECORD_BLOCKS);
    if (run !== undefined) {
      this.#cursor = run.first + run.length;
      const { blockSize } = this.#identity;
      const payload = this.#memory.subarray(run.first * blockSize, this.#cursor * blockSize);
      return this.#record(RecordType.BLOCKS, run.first, payload, initial !== undefined);
    }
    if (!this.#finished || this.#ended) return undefined;
    if (this.#registers !== undefined) {
      const payload = this.#registers;
      this.#registers = undefined;
      return this.#record(RecordType.REGISTERS, 0, payload, false);
    }
    this.#ended = true;
    return this.#record(RecordType.END, 0, new Uint8Array(0), false);
  }

  #record(type: RecordType, first: number, payload: Uint8Array, initial: boolean): OutgoingRecord {
    const head = new Uint8Array(RECORD_HEAD_SIZE);
    const view = new DataView(head.buffer);
    view.setUint32(0, type, true);
    view.setUint32(4, this.#sequence++, true);
    view.setUint32(8, first, true);
    view.setUint32(12, payload.length, true);
    const blockBytes = type === RecordType.BLOCKS ? payload.length : 0;
    return { head, payload, initial, blockBytes, position: 0, crc: 0, trailer: undefined };
  }

  /** Copies the next part of a record to `into` at `at`; returns how many bytes. */
  #emit(record: OutgoingRecord, into: Uint8Array, at: number): number {
    const payloadEnd = RECORD_HEAD_SIZE + record.payload.length;
    const [part, start] =
      record.position < RECORD_HEAD_SIZE
        ? [record.head, 0]
        : record.position < payloadEnd
          ? [record.payload, RECORD_HEAD_SIZE]
          : [this.#trailerOf(record), payloadEnd];
    const from = record.position - start;
    const length = Math.min(part.length - from, into.length - at);
    into.set(part.subarray(from, from + length), at);
    if (part !== record.trailer) record.crc = crc32(into.subarray(at, at + length), record.crc);
    record.position += length;
    if (record.position === record.payload.length + RECORD_OVERHEAD) this.#current = undefined;
    return length;
  }

  #trailerOf(record: OutgoingRecord): Uint8Array {
    if (record.trailer === undefined) {
      record.trailer = new Uint8Array(4);
      new DataView(record.trailer.buffer).setUint32(0, record.crc, true);
    }
    return record.trailer;
  }
}
