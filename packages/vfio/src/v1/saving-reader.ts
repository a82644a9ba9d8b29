import type { PrecopyInfo, ReadResult } from '../device.js';
import { VfioError } from '../error.js';
import { encodeFrameHead, FrameType } from './frames.js';
import type { DataWindow, RegionUser } from './region-user.js';
import type { V1Pending } from './vendor-driver.js';

/** How often in a row the pending count of a stopped device may fail to fall before the device is taken to be stuck. */
const MAX_STALLS = 16;

/** A threshold below which everything is: the driver is to count. */
export const EXACTLY = Number.MAX_SAFE_INTEGER;

/** A piece of the framed stream: bytes of our own, or data in the region. */
type Piece = { readonly bytes: Uint8Array; at: number } | { readonly window: DataWindow; at: number };

/** Makes a framed data stream of what a driver gives buffer by buffer. */
export class SavingReader {
  readonly #user: RegionUser;
  readonly #pieces: Piece[] = [];
  #stopped = false;
  #ended = false;
  #stalls = 0;
  #lastPending = Infinity;
  /** What the last "get pending" said. */
  #pending: V1Pending | undefined;
  #lastPrecopyOnly = Infinity;
  #initialBytes = Infinity;
  /** The buffer was filled while there was data for before the switchover. */
  #bufferIsInitial = false;

  constructor(user: RegionUser) {
    this.#user = user;
  }

  /** The device is in STOPNCOPY: its configuration follows, then the rest of the data, then the end. */
  stop(config: Uint8Array): void {
    this.#stopped = true;
    this.#push(FrameType.CONFIG, config);
  }

  get ended(): boolean {
    return this.#ended && this.#pieces.length === 0;
  }

  /**
   * What waits, as exactly as the driver can say, with what was not yet read of the buffer. Data for before the switchover
   * only falls; where there is more than the last time, the device has started over.
   */
  async precopyInfo(): Promise<PrecopyInfo> {
    const { precopyOnly, compatible } = await this.#ask(EXACTLY);
    const reinit = precopyOnly > this.#lastPrecopyOnly;
    this.#lastPrecopyOnly = precopyOnly;
    const { buffered } = this;
    const initialBytes = precopyOnly + (this.#bufferIsInitial ? buffered : 0);
    // The heads of our frames are in the buffer too, and are not the device's.
    this.#initialBytes = reinit ? initialBytes : Math.min(this.#initialBytes, initialBytes);
    return {
      initialBytes: this.#initialBytes,
      dirtyBytes: compatible + (this.#bufferIsInitial ? 0 : buffered),
      reinit,
    };
  }

  /** Bytes of the current buffer that were not yet read. */
  get buffered(): number {
    return this.#pieces.reduce((sum, piece) => sum + sizeOf(piece) - piece.at, 0);
  }

  async read(into: Uint8Array): Promise<ReadResult> {
    let filled = 0;
    while (filled < into.length) {
      const piece = this.#pieces[0];
      if (piece === undefined) {
        if (this.#ended || !(await this.#next(into.length))) break;
        continue;
      }
      const length = Math.min(sizeOf(piece) - piece.at, into.length - filled);
      const target = into.subarray(filled, filled + length);
      if ('bytes' in piece) target.set(piece.bytes.subarray(piece.at, piece.at + length));
      else await this.#user.readData(piece.window.offset + piece.at, target);
      piece.at += length;
      filled += length;
      if (piece.at === sizeOf(piece)) this.#pieces.shift();
    }
    if (filled > 0) return { kind: 'data', length: filled };
    return { kind: this.#ended ? 'end' : 'empty' };
  }

  async #ask(thresholdSize: number): Promise<V1Pending> {
    const pending = await this.#user.pending(thresholdSize);
    this.#pending = pending;
    return pending;
  }

  /** Gets the next buffer of the driver; false where there is none for now. */
  async #next(bufferSize: number): Promise<boolean> {
    const { precopyOnly, compatible, postcopyOnly } = await this.#ask(bufferSize);
    const left = precopyOnly + compatible + postcopyOnly;
    if (left === 0) return this.#stopped && this.#end();
    if (this.#stopped) this.#checkProgress(left);
    const window = await this.#user.getBuffer();
    if (window.size === 0) {
      // What is left of precopy_only goes in the stopped state, says the document; the RFC before it did not wait for it.
      const waits = compatible + postcopyOnly > 0;
      return this.#stopped && (waits || this.#end());
    }
    this.#bufferIsInitial = precopyOnly > 0;
    this.#pieces.push({ bytes: encodeFrameHead(FrameType.DATA, window.size), at: 0 }, { window, at: 0 });
    return true;
  }

  #end(): true {
    this.#push(FrameType.END, new Uint8Array(0));
    this.#ended = true;
    return true;
  }

  /** A stopped device has only so much to give. */
  #checkProgress(left: number): void {
    this.#stalls = left < this.#lastPending ? 0 : this.#stalls + 1;
    this.#lastPending = left;
    if (this.#stalls >= MAX_STALLS) {
      const { precopyOnly = 0, compatible = 0, postcopyOnly = 0 } = this.#pending ?? {};
      throw new VfioError(
        'EIO',
        `pending.precopy_only ${precopyOnly}, compatible ${compatible} and postcopy_only ${postcopyOnly} do not fall, though ${MAX_STALLS} buffers were read`,
      );
    }
  }

  #push(type: FrameType, bytes: Uint8Array): void {
    this.#pieces.push({ bytes: encodeFrameHead(type, bytes.length), at: 0 });
    if (bytes.length > 0) this.#pieces.push({ bytes, at: 0 });
  }
}

function sizeOf(piece: Piece): number {
  return 'bytes' in piece ? piece.bytes.length : piece.window.size;
}
