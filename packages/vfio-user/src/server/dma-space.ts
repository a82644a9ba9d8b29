import type { Native } from '@godwit/native';
import { DmaLogger, type DmaMemory, VfioError } from '@godwit/vfio';
import type { Connection } from '../protocol/connection.js';
import { Command, DMA_ACCESS } from '../protocol/messages.js';
import type { Reply } from '../protocol/pending-requests.js';
import { MappedRange } from './mapped-range.js';

/** A range of guest memory that the client has told of. */
export interface DmaMap {
  readonly address: number;
  readonly size: number;
  readonly readable: boolean;
  readonly writable: boolean;
}

interface Range extends DmaMap {
  /** Absent: the memory is reached by messages. */
  readonly mapped?: MappedRange;
}

/** How messages reach the client's memory. */
interface Messenger {
  readonly connection: Connection;
  readonly maxTransfer: number;
}

/** The client's memory as a device sees it: what is mapped here is reached without a copy, the rest by messages. */
export class DmaSpace implements DmaMemory {
  readonly #native: Native;
  readonly #maxMaps: number;
  /** Ordered by address, without overlaps. */
  #ranges: Range[] = [];
  #last: Range | undefined;
  #messenger: Messenger | undefined;
  /** What the device wrote, for the client to ask. */
  readonly logger = new DmaLogger();

  constructor(native: Native, maxMaps: number) {
    this.#native = native;
    this.#maxMaps = maxMaps;
  }

  /** What is mapped now. */
  get maps(): readonly DmaMap[] {
    return this.#ranges;
  }

  /** A client has come; undefined: it has gone, and its memory with it. */
  connect(messenger: Messenger | undefined): void {
    this.#messenger = messenger;
    if (messenger === undefined) {
      this.unmapAll();
      this.logger.clear();
    }
  }

  /**
   * Adds a range. With `fd`, which stays with the caller, it is mapped from `offset` of that file.
   * EINVAL: an empty range, or one that the file does not cover; EEXIST: it overlaps another; ENOSPC: too many.
   */
  map(range: DmaMap, fd: number | undefined, offset: number): void {
    const end = range.address + range.size;
    if (range.size === 0 || !Number.isSafeInteger(end)) {
      throw new VfioError('EINVAL', 'a DMA range is empty or too large');
    }
    if (this.#ranges.length >= this.#maxMaps) {
      throw new VfioError('ENOSPC', `more than ${this.#maxMaps} DMA ranges`);
    }
    const index = this.#indexAfter(range.address);
    const before = this.#ranges[index - 1];
    const after = this.#ranges[index];
    if ((before && before.address + before.size > range.address) || (after && after.address < end)) {
      throw new VfioError('EEXIST', 'a DMA range overlaps another');
    }
    const mapped = fd === undefined ? undefined : new MappedRange(this.#native, range, fd, offset);
    this.#ranges.splice(index, 0, mapped === undefined ? range : { ...range, mapped });
  }

  /** Removes exactly that range. ENOENT: there is none. */
  unmap(address: number, size: number): void {
    this.#release(this.#ranges.splice(this.requireMap(address, size), 1)[0]!);
  }

  /** The index of exactly that range. ENOENT: there is none. */
  requireMap(address: number, size: number): number {
    const index = this.#indexAfter(address) - 1;
    const range = this.#ranges[index];
    if (range?.address !== address || range.size !== size) throw new VfioError('ENOENT', 'no such DMA range');
    return index;
  }

  unmapAll(): void {
    for (const range of this.#ranges.splice(0)) this.#release(range);
  }

  read(address: number, into: Uint8Array): void {
    this.#walk(address, into.length, 'readable', (range, start, from, to) => {
      const part = into.subarray(from, to);
      if (range.mapped !== undefined) range.mapped.read(start, part);
      else this.readByMessages(start, part);
    });
  }

  write(address: number, from: Uint8Array): void {
    this.#walk(address, from.length, 'writable', (range, start, begin, end) => {
      const part = from.subarray(begin, end);
      if (range.mapped !== undefined) range.mapped.write(start, part);
      else this.writeByMessages(start, part);
    });
    this.logger.mark(address, from.length);
  }

  /** As {@link DmaSpace.read}, without blocking the thread where messages are needed. */
  async readAsync(address: number, into: Uint8Array): Promise<void> {
    for (const { range, start, from, to } of this.#parts(address, into.length, 'readable')) {
      const part = into.subarray(from, to);
      if (range.mapped !== undefined) {
        range.mapped.read(start, part);
        continue;
      }
      for (const piece of this.#pieces(start, part)) {
        const request = [DMA_ACCESS.encode({ address: piece.address, count: piece.bytes.length })];
        const reply = await this.#connected().connection.request(Command.DMA_READ, request);
        this.#takeRead(reply, piece);
      }
    }
  }

  /** As {@link DmaSpace.write}, without blocking the thread where messages are needed. */
  async writeAsync(address: number, from: Uint8Array): Promise<void> {
    for (const { range, start, from: begin, to } of this.#parts(address, from.length, 'writable')) {
      const part = from.subarray(begin, to);
      if (range.mapped !== undefined) {
        range.mapped.write(start, part);
        continue;
      }
      for (const piece of this.#pieces(start, part)) {
        const request = [
          DMA_ACCESS.encode({ address: piece.address, count: piece.bytes.length }),
          piece.bytes,
        ];
        this.#drop(await this.#connected().connection.request(Command.DMA_WRITE, request));
      }
    }
    this.logger.mark(address, from.length);
  }

  /**
   * The memory itself, where all of it is mapped here in one piece; undefined otherwise. It is empty once the client has
   * unmapped it. Tell of writes by {@link DmaSpace.markDirty}.
   */
  view(address: number, length: number): Uint8Array | undefined {
    const range = this.#find(address);
    return range?.writable ? range.mapped?.view(address, length) : undefined;
  }

  /** The device wrote `length` bytes at `address` of a view. */
  markDirty(address: number, length: number): void {
    this.logger.mark(address, length);
  }

  /** Calls `access` for each range that the bytes lie in; EFAULT before the first where not all of them are accessible. */
  #walk(
    address: number,
    length: number,
    right: 'readable' | 'writable',
    access: (range: Range, start: number, from: number, to: number) => void,
  ): void {
    const range = this.#find(address);
    if (range?.[right] && address + length <= range.address + range.size) {
      access(range, address, 0, length);
      return;
    }
    for (const part of this.#parts(address, length, right))
      access(part.range, part.start, part.from, part.to);
  }

  #parts(
    address: number,
    length: number,
    right: 'readable' | 'writable',
  ): { range: Range; start: number; from: number; to: number }[] {
    const parts = [];
    for (let from = 0; from < length; ) {
      const start = address + from;
      const range = this.#find(start);
      if (range === undefined || !range[right]) {
        throw new VfioError('EFAULT', `no ${right} memory at 0x${start.toString(16)}`);
      }
      const to = Math.min(length, range.address + range.size - address);
      parts.push({ range, start, from, to });
      from = to;
    }
    return parts;
  }

  #find(address: number): Range | undefined {
    const last = this.#last;
    if (last !== undefined && address >= last.address && address < last.address + last.size) return last;
    const range = this.#ranges[this.#indexAfter(address) - 1];
    if (range === undefined || address >= range.address + range.size) return undefined;
    this.#last = range;
    return range;
  }

  /** The index of the first range that begins after `address`. */
  #indexAfter(address: number): number {
    let low = 0;
    let high = this.#ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ranges[middle]!.address <= address) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #release(range: Range): void {
    if (this.#last === range) this.#last = undefined;
    range.mapped?.release();
  }

  /** As {@link DmaSpace.read}, but by messages even where the memory is mapped here. */
  readByMessages(address: number, into: Uint8Array): void {
    for (const piece of this.#pieces(address, into)) {
      const request = [DMA_ACCESS.encode({ address: piece.address, count: piece.bytes.length })];
      this.#takeRead(this.#ask(Command.DMA_READ, request), piece);
    }
  }

  /** As {@link DmaSpace.write}, but by messages even where the memory is mapped here; the client logs it. */
  writeByMessages(address: number, from: Uint8Array): void {
    for (const piece of this.#pieces(address, from)) {
      const request = [DMA_ACCESS.encode({ address: piece.address, count: piece.bytes.length }), piece.bytes];
      this.#drop(this.#ask(Command.DMA_WRITE, request));
    }
  }

  #ask(command: number, payload: Uint8Array[]): Reply {
    try {
      return this.#connected().connection.requestSync(command, payload);
    } catch (cause) {
      throw new VfioError('EFAULT', 'the client does not give access to its memory', { cause });
    }
  }

  #takeRead(reply: Reply, piece: { address: number; bytes: Uint8Array }): void {
    const { payload } = reply;
    this.#drop(reply);
    const expected = DMA_ACCESS.size + piece.bytes.length;
    if (payload.length !== expected) {
      throw new VfioError(
        'EFAULT',
        `the client answers a DMA read with ${payload.length} bytes, not ${expected}`,
      );
    }
    piece.bytes.set(payload.subarray(DMA_ACCESS.size));
    this.#messenger?.connection.recycle(reply);
  }

  /** Replies to DMA bring no descriptors; what comes anyway is closed. */
  #drop(reply: Reply): void {
    for (const fd of reply.fds.splice(0)) this.#native.close(fd);
  }

  #pieces(address: number, bytes: Uint8Array): { address: number; bytes: Uint8Array }[] {
    const size = this.#connected().maxTransfer;
    const pieces = [];
    for (let at = 0; at < bytes.length; at += size) {
      pieces.push({ address: address + at, bytes: bytes.subarray(at, at + size) });
    }
    return pieces;
  }

  #connected(): Messenger {
    if (this.#messenger === undefined) throw new VfioError('EFAULT', 'no client is connected');
    return this.#messenger;
  }
}
