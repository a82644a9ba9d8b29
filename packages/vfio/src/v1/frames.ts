import { VfioError } from '../error.js';

/**
 * The v1 region has records (what one "get buffer" gave must be handed over by one "set buffer"), a v2 data stream may be cut
 * anywhere. Frames keep the records: u32 type, u32 length, little-endian, then the bytes. END comes last.
 */
export const FrameType = { DATA: 1, CONFIG: 2, END: 3 } as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

const FRAME_HEAD_SIZE = 8;

export function encodeFrameHead(type: FrameType, length: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  return bytes;
}

/** What takes the frames of a stream. */
export interface FrameSink {
  /** The largest DATA and CONFIG frames that can be taken, in bytes. */
  readonly maxData: number;
  readonly maxConfig: number;
  /** Bytes of the frame that is coming in, from `at` on. They are only valid during the call. */
  part(type: FrameType, at: number, bytes: Uint8Array): Promise<void>;
  /** All `length` bytes of the frame have come. */
  complete(type: FrameType, length: number): Promise<void>;
}

/** Takes a framed stream in pieces of any size. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #head = new Uint8Array(FRAME_HEAD_SIZE);
  #headFilled = 0;
  #type: FrameType = FrameType.END;
  #length = 0;
  #position = 0;
  #received = 0;
  #ended = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** The END frame has come. */
  get ended(): boolean {
    return this.#ended;
  }

  get received(): number {
    return this.#received;
  }

  /** EINVAL for what is no frame or none that the sink can take. */
  async write(from: Uint8Array): Promise<void> {
    let at = 0;
    while (at < from.length) {
      if (this.#ended) throw this.#bad('data after the end');
      if (this.#headFilled < FRAME_HEAD_SIZE) {
        const piece = from.subarray(at, at + FRAME_HEAD_SIZE - this.#headFilled);
        this.#head.set(piece, this.#headFilled);
        this.#headFilled += piece.length;
        this.#received += piece.length;
        at += piece.length;
        if (this.#headFilled === FRAME_HEAD_SIZE) this.#open();
      } else {
        const piece = from.subarray(at, at + this.#length - this.#position);
        await this.#sink.part(this.#type, this.#position, piece);
        this.#position += piece.length;
        this.#received += piece.length;
        at += piece.length;
      }
      if (this.#headFilled === FRAME_HEAD_SIZE && this.#position === this.#length) await this.#complete();
    }
  }

  #open(): void {
    const view = new DataView(this.#head.buffer);
    const type = view.getUint32(0, true);
    const length = view.getUint32(4, true);
    const limits: Record<number, number> = {
      [FrameType.DATA]: this.#sink.maxData,
      [FrameType.CONFIG]: this.#sink.maxConfig,
      [FrameType.END]: 0,
    };
    const limit = limits[type];
    if (limit === undefined) throw this.#bad(`unknown frame type ${type}`);
    if (length > limit) throw this.#bad(`a frame of ${length} bytes, but only ${limit} can be taken`);
    this.#type = type as FrameType;
    this.#length = length;
    this.#position = 0;
  }

  async #complete(): Promise<void> {
    this.#headFilled = 0;
    if (this.#type === FrameType.END) this.#ended = true;
    await this.#sink.complete(this.#type, this.#length);
  }

  #bad(reason: string): VfioError {
    return new VfioError('EINVAL', `device stream rejected after ${this.#received} bytes: ${reason}`);
  }
}
