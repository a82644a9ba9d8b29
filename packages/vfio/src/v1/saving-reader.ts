import type { ReadResult } from '../device.js';
import { VfioError } from '../error.js';
import { encodeFrameHead, FrameType } from './frames.js';
import type { DataWindow, RegionUser } from './region-user.js';
import type { V1Pending } from './vendor-driver.js';

/** How often in a row the pending count of a stopped device may fail to fall before the device is taken to be stuck. */
const MAX_STALLS = 16;

/** A piece of the framed stream: bytes of our own, or data in the region. */
type Piece = { readonly bytes: Uint8Array; at: number } | { readonly window: DataWindow; at: number };

/** Makes a framed data stream of what a driver gives buffer by buffer. */
export class SavingReader {
  readonly #user: RegionUser;
  readonly #pieces: Piece[] = [];
  #thresholdSize = 0;
  #stopped = false;
  #ended = false;
  #stalls = 0;
  #lastPending = Infinity;
  /** What the last "get pending" said. */
  #pending: V1Pending | undefined;

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

  /** Bytes that wait, by what the driver said last and what was not yet read of the buffer. */
  async pending(): Promise<V1Pending> {
    const pending = await this.#user.pending(this.#thresholdSize);
    this.#pending = pending;
    return pending;
  }

  /** Bytes of the current buffer that were not yet read. */
  get buffered(): number {
    return this.#pieces.reduce((sum, piece) => sum + sizeOf(piece) - piece.at, 0);
  }

  async read(into: Uint8Array): Promise<ReadResult> {
    this.#thresholdSize = into.length;
    let filled = 0;
    while (filled < into.length) {
      const piece = this.#pieces[0];
      if (piece === undefined) {
        if (this.#ended || !(await this.#next())) break;
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

  /** Gets the next buffer of the driver; false where there is none for now. */
  async #next(): Promise<boolean> {
    const { precopyOnly, compatible, postcopyOnly } = await this.pending();
    const left = compatible + postcopyOnly + (this.#stopped ? 0 : precopyOnly);
    if (left === 0) {
      if (!this.#stopped) return false;
      this.#push(FrameType.END, new Uint8Array(0));
      this.#ended = true;
      return true;
    }
    if (this.#stopped) this.#checkProgress(left);
    const window = await this.#user.getBuffer();
    if (window.size === 0) return this.#stopped;
    this.#pieces.push({ bytes: encodeFrameHead(FrameType.DATA, window.size), at: 0 }, { window, at: 0 });
    return true;
  }

  /** A stopped device has only so much to give. */
  #checkProgress(left: number): void {
    this.#stalls = left < this.#lastPending ? 0 : this.#stalls + 1;
    this.#lastPending = left;
    if (this.#stalls >= MAX_STALLS) {
      const { compatible = 0, postcopyOnly = 0 } = this.#pending ?? {};
      throw new VfioError(
        'EIO',
        `pending.compatible ${compatible} and pending.postcopy_only ${postcopyOnly} do not fall, though ${MAX_STALLS} buffers were read`,
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
