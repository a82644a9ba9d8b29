import { VfioError } from '../error.js';
import {
  decodeField,
  encodeField,
  fieldsAt,
  V1_FIELDS,
  V1_INFO_SIZE,
  V1_PAGE_SIZE,
  V1_REGION_SUBTYPE,
  V1_REGION_TYPE,
  type V1FieldName,
} from './layout.js';
import type { MappedArea, MigrationRegion } from './region.js';
import { isV1State, V1_NEXT_STATES, V1State, v1StateText } from './states.js';

/** Bytes that are still to be migrated: before the target starts, at any time, after the source has stopped. */
export interface V1Pending {
  readonly precopyOnly: number;
  readonly compatible: number;
  readonly postcopyOnly: number;
}

/** The device behind a migration region. The driver has checked every value by the time it calls. */
export interface V1Logic {
  /** What it is when the driver takes it over. */
  readonly initialState: V1State;
  setState(wanted: V1State, from: V1State): Promise<void>;
  /** A device that cannot go on by itself; the region then says FAILED. */
  readonly isBroken: boolean;
  /**
   * @param thresholdSize bytes that user space takes at a time: where more is left it goes on whatever the counts are, so
   * that an estimate will do; they must be true at or below it
   */
  pending(thresholdSize: number): Promise<V1Pending>;
  /** Puts the next data into `area`; returns how many bytes, 0 for none. */
  fill(area: Uint8Array): Promise<number>;
  take(data: Uint8Array): Promise<void>;
  /** Sets the bits of dirty pages from `startAddress` on, and forgets them. `bitmap` is zero before. EINVAL beyond RAM. */
  dirtyPages(startAddress: number, pages: number, bitmap: Uint32Array): Promise<void>;
}

export interface VendorDriverOptions {
  /** Bytes of the data area, a multiple of 4. */
  readonly areaSize: number;
  /** Whether user space can map the data area, which then starts at a page of its own. */
  readonly mapped: boolean;
}

/** A report of dirty pages under way: it is handed out in portions as large as the data area. */
interface DirtyReport {
  readonly startAddress: number;
  readonly total: number;
  done: number;
}

/**
 * The device side of the 2018 region. What starts an action:
 *
 * | action | accesses, in order |
 * |---|---|
 * | set state | write device_state |
 * | get pending bytes | write threshold_size if it changed; read precopy_only, which takes all three counts; read the others |
 * | get buffer | read data.offset, which fills the data area; read data.size; read the data |
 * | set buffer | write the data; write data.offset; write data.size, which hands it over |
 * | get dirty pages | write start_addr; write total; then for each portion: read copied; read data.offset, which tells where; read the bitmap |
 *
 * A read that covers fields of more than one action only looks: it starts nothing.
 */
export class VendorDriver implements MigrationRegion {
  readonly type = V1_REGION_TYPE;
  readonly subtype = V1_REGION_SUBTYPE;
  readonly size: number;
  readonly mappedAreas: readonly MappedArea[];
  readonly #logic: V1Logic;
  readonly #info = new Uint8Array(V1_INFO_SIZE);
  readonly #areaOffset: number;
  readonly #area: Uint8Array;
  #state: V1State;
  #report: DirtyReport | undefined;
  #startAddress: number | undefined;
  /** The next read of data.offset tells where the bitmap is. */
  #bitmapReady = false;
  #bufferOffset: number | undefined;

  constructor(logic: V1Logic, options: VendorDriverOptions) {
    this.#logic = logic;
    this.#areaOffset = options.mapped ? V1_PAGE_SIZE : V1_INFO_SIZE;
    this.#area = new Uint8Array(options.areaSize);
    this.size = this.#areaOffset + options.areaSize;
    this.mappedAreas = options.mapped ? [{ offset: this.#areaOffset, size: options.areaSize }] : [];
    this.#state = logic.initialState;
    this.#set('device_state', this.#state);
  }

  async read(offset: number, into: Uint8Array): Promise<void> {
    this.#checkAccess(offset, into.length);
    if (offset >= this.#areaOffset) {
      const at = offset - this.#areaOffset;
      into.set(this.#area.subarray(at, at + into.length));
      return;
    }
    const fields = this.#fields(offset, into.length);
    if (fields.every((name) => V1_FIELDS[name].action === V1_FIELDS[fields[0]!].action)) {
      for (const name of fields) await this.#beforeRead(name);
    }
    into.set(this.#info.subarray(offset, offset + into.length));
  }

  async write(offset: number, from: Uint8Array): Promise<void> {
    this.#checkAccess(offset, from.length);
    if (offset >= this.#areaOffset) {
      this.#area.set(from, offset - this.#areaOffset);
      return;
    }
    for (const name of this.#fields(offset, from.length)) {
      const field = V1_FIELDS[name];
      const at = field.offset - offset;
      await this.#written(name, decodeField(name, from.subarray(at, at + field.size)));
    }
  }

  map(offset: number, length: number): Uint8Array | undefined {
    const area = this.mappedAreas[0];
    if (area === undefined || offset < area.offset || offset + length > area.offset + area.size)
      return undefined;
    return this.#area.subarray(offset - area.offset, offset - area.offset + length);
  }

  async #beforeRead(name: V1FieldName): Promise<void> {
    switch (name) {
      case 'pending.precopy_only':
        await this.#getPending();
        break;
      case 'data.offset':
        if (this.#bitmapReady) this.#bitmapReady = false;
        else await this.#getBuffer();
        break;
      case 'dirty_pfns.copied':
        await this.#nextPortion();
        break;
    }
  }

  async #written(name: V1FieldName, value: number): Promise<void> {
    if (V1_FIELDS[name].direction === 'out') {
      throw new VfioError('EINVAL', `${name} was written (${value}), but it is an answer of the driver`);
    }
    switch (name) {
      case 'device_state':
        await this.#setState(value);
        return;
      case 'data.offset':
        this.#bufferOffset = value;
        break;
      case 'data.size':
        await this.#setBuffer(value);
        break;
      case 'dirty_pfns.start_addr':
        if (value % V1_PAGE_SIZE !== 0) {
          throw new VfioError(
            'EINVAL',
            `dirty_pfns.start_addr 0x${value.toString(16)} is not aligned to ${V1_PAGE_SIZE}`,
          );
        }
        this.#startAddress = value;
        break;
      case 'dirty_pfns.total':
        if (this.#startAddress === undefined) {
          throw new VfioError(
            'EINVAL',
            `dirty_pfns.total was written (${value}) before dirty_pfns.start_addr`,
          );
        }
        this.#report = { startAddress: this.#startAddress, total: value, done: 0 };
        this.#startAddress = undefined;
        break;
    }
    this.#set(name, value);
  }

  async #setState(value: number): Promise<void> {
    if (!isV1State(value)) throw new VfioError('EINVAL', `device_state ${value} is no state`);
    if (value === this.#state) return;
    if (!V1_NEXT_STATES[this.#state].includes(value)) {
      throw new VfioError(
        'EINVAL',
        `device_state cannot go from ${v1StateText(this.#state)} to ${v1StateText(value)}`,
      );
    }
    this.#report = undefined;
    this.#startAddress = undefined;
    this.#bufferOffset = undefined;
    this.#bitmapReady = false;
    try {
      await this.#logic.setState(value, this.#state);
      this.#state = value;
    } catch (error) {
      if (this.#logic.isBroken) this.#state = V1State.MIGRATION_FAILED;
      throw error;
    } finally {
      this.#set('device_state', this.#state);
    }
  }

  async #getPending(): Promise<void> {
    const pending = await this.#logic.pending(this.#get('pending.threshold_size'));
    this.#set('pending.precopy_only', pending.precopyOnly);
    this.#set('pending.compatible', pending.compatible);
    this.#set('pending.postcopy_only', pending.postcopyOnly);
  }

  async #getBuffer(): Promise<void> {
    this.#checkState('data.offset was read', V1State.MIGRATION_PRECOPY, V1State.MIGRATION_STOPNCOPY);
    const length = await this.#logic.fill(this.#area);
    this.#set('data.offset', this.#areaOffset);
    this.#set('data.size', length);
  }

  async #setBuffer(size: number): Promise<void> {
    this.#checkState(`data.size was written (${size})`, V1State.MIGRATION_RESUME);
    const offset = this.#bufferOffset;
    if (offset === undefined)
      throw new VfioError('EINVAL', `data.size was written (${size}) before data.offset`);
    if (offset < this.#areaOffset || size === 0 || offset + size > this.size) {
      throw new VfioError(
        'EINVAL',
        `data.offset ${offset} and data.size ${size} are not in the data area [${this.#areaOffset}, ${this.size})`,
      );
    }
    this.#bufferOffset = undefined;
    const at = offset - this.#areaOffset;
    await this.#logic.take(this.#area.subarray(at, at + size));
  }

  async #nextPortion(): Promise<void> {
    const report = this.#report;
    if (report === undefined) {
      throw new VfioError('EINVAL', 'dirty_pfns.copied was read before dirty_pfns.total was written');
    }
    const pages = Math.min(report.total - report.done, this.#area.length * 8);
    if (pages > 0) {
      const words = new Uint32Array(this.#area.buffer, 0, Math.ceil(pages / 32));
      words.fill(0);
      await this.#logic.dirtyPages(report.startAddress + report.done * V1_PAGE_SIZE, pages, words);
    }
    report.done += pages;
    this.#set('dirty_pfns.copied', pages);
    this.#set('data.offset', this.#areaOffset);
    this.#set('data.size', Math.ceil(pages / 8));
    this.#bitmapReady = true;
  }

  #checkState(what: string, ...allowed: V1State[]): void {
    if (allowed.includes(this.#state)) return;
    throw new VfioError('EINVAL', `${what} in device_state ${v1StateText(this.#state)}`);
  }

  #checkAccess(offset: number, length: number): void {
    const isInside =
      Number.isSafeInteger(offset) && offset >= 0 && length > 0 && offset + length <= this.size;
    const isWhole = offset >= this.#areaOffset || offset + length <= V1_INFO_SIZE;
    if (isInside && isWhole) return;
    throw new VfioError(
      'EINVAL',
      `access of ${length} bytes at ${offset} is neither in the structure [0, ${V1_INFO_SIZE}) nor in the data area [${this.#areaOffset}, ${this.size})`,
    );
  }

  #fields(offset: number, length: number): V1FieldName[] {
    const fields = fieldsAt(offset, length);
    if (fields === undefined)
      throw new VfioError('EINVAL', `access of ${length} bytes at ${offset} splits a field`);
    return fields;
  }

  #get(name: V1FieldName): number {
    const { offset, size } = V1_FIELDS[name];
    return decodeField(name, this.#info.subarray(offset, offset + size));
  }

  #set(name: V1FieldName, value: number): void {
    this.#info.set(encodeField(name, value), V1_FIELDS[name].offset);
  }
}
