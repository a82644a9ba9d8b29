import assert from 'node:assert/strict';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { constants, inflateSync } from 'node:zlib';
import { StreamTransport, type Transport, type TransportHandler } from '@godwit/qmp';
import { responseTo } from '../../src/vnc/password.js';
import {
  DEFAULT_FORMAT,
  type PixelFormat,
  readPixelFormat,
  writePixelFormat,
} from '../../src/vnc/pixel-format.js';
import { TransportStream } from '../../src/vnc/transport-stream.js';

/** A rectangle of an update, with its pixels as numbers in the viewer's format. */
export interface Received {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly encoding: number;
  readonly pixels: readonly number[];
}

/** A client of the protocol, made from RFC 6143, that decodes everything it is sent. */
export class TestViewer {
  format: PixelFormat = DEFAULT_FORMAT;
  width = 0;
  height = 0;
  title = '';
  closed = false;
  #transport: Transport;
  #encrypted: TransportStream | undefined;
  #chunks: Uint8Array[] = [];
  #received: Buffer = Buffer.alloc(0);
  #waiting: (() => void) | undefined;
  readonly #zrleStream = new Inflating();
  readonly #tightStream = new Inflating();

  constructor(transport: Transport) {
    this.#transport = transport;
    const handler = this.#handler();
    transport.start({
      data: (chunk, fds) => (this.#encrypted ?? handler).data(chunk, fds),
      drain: () => (this.#encrypted ?? handler).drain(),
      ended: () => (this.#encrypted ?? handler).ended(),
      closed: (error) => {
        this.#encrypted?.destroy();
        handler.closed(error);
      },
    });
  }

  #handler(): TransportHandler {
    return {
      data: (chunk) => {
        this.#chunks.push(chunk.slice());
        this.#waiting?.();
      },
      drain: () => {},
      ended: () => this.#transport.end(),
      closed: () => {
        this.closed = true;
        this.#waiting?.();
      },
    };
  }

  get #bytes(): Buffer {
    if (this.#chunks.length > 0) this.#received = Buffer.concat([this.#received, ...this.#chunks.splice(0)]);
    return this.#received;
  }

  /** Bytes that were received and not taken. */
  get available(): number {
    return this.#bytes.length;
  }

  send(...bytes: readonly (Uint8Array | number)[]): void {
    this.#transport.write(
      Buffer.concat(bytes.map((each) => (typeof each === 'number' ? Uint8Array.of(each) : each))),
    );
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  close(): void {
    this.#transport.destroy();
  }

  async take(count: number): Promise<Buffer> {
    while (this.#bytes.length < count) await this.#more();
    const taken = this.#bytes.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.closed) throw new Error(`closed after ${this.available} bytes`);
    await new Promise<void>((resolve) => {
      this.#waiting = resolve;
    });
  }

  async untilClosed(): Promise<Buffer> {
    while (!this.closed) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.take(this.available);
  }

  /** Agrees on VeNCrypt with that type within and speaks TLS from then on; rejects when there is none. */
  async secure(type: number, options: ConnectionOptions): Promise<void> {
    assert.equal((await this.take(12)).toString(), 'RFB 003.008\n');
    this.send(Buffer.from('RFB 003.008\n'));
    assert.deepEqual([...(await this.take(2))], [1, 19]);
    this.send(19);
    assert.deepEqual([...(await this.take(2))], [0, 2]);
    this.send(0, 2);
    const offered = await this.take(6);
    assert.deepEqual([offered[0], offered[1], offered.readUInt32BE(2)], [0, 1, type]);
    this.send(offered.subarray(2));
    assert.deepEqual([...(await this.take(1))], [1]);
    const stream = new TransportStream(this.#transport);
    this.#encrypted = stream;
    const socket = connectTls({ ...options, socket: stream });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
      stream.once('close', () => reject(new Error('closed')));
    });
    this.#transport = new StreamTransport({ input: socket, output: socket });
    this.#transport.start(this.#handler());
  }

  /** From the version to the result of the security type. @returns whether the server was content */
  async authenticate(version: string, password?: string): Promise<boolean> {
    assert.equal((await this.take(12)).toString(), 'RFB 003.008\n');
    this.send(Buffer.from(version));
    const type = password === undefined ? 1 : 2;
    if (version <= 'RFB 003.006\n') assert.equal((await this.take(4)).readUInt32BE(), type);
    else {
      assert.deepEqual([...(await this.take(2))], [1, type]);
      this.send(type);
    }
    if (password !== undefined) this.send(responseTo(await this.take(16), password));
    if (password === undefined && version < 'RFB 003.008\n') return true;
    return (await this.take(4)).readUInt32BE() === 0;
  }

  async initialize(shared = true): Promise<void> {
    this.send(shared ? 1 : 0);
    const init = await this.take(24);
    this.width = init.readUInt16BE(0);
    this.height = init.readUInt16BE(2);
    this.format = readPixelFormat(init.subarray(4, 20));
    this.title = (await this.take(init.readUInt32BE(20))).toString();
  }

  setFormat(format: PixelFormat): void {
    this.format = format;
    this.send(0, Buffer.alloc(3), writePixelFormat(format));
  }

  setEncodings(...encodings: number[]): void {
    const numbers = Buffer.alloc(4 * encodings.length);
    encodings.forEach((encoding, index) => {
      numbers.writeInt32BE(encoding, 4 * index);
    });
    this.send(2, 0, uint16(encodings.length), numbers);
  }

  request(incremental: boolean): void {
    this.send(3, incremental ? 1 : 0, uint16(0), uint16(0), uint16(this.width), uint16(this.height));
  }

  press(keysym: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(keysym);
    this.send(4, 1, uint16(0), bytes);
    this.send(4, 0, uint16(0), bytes);
  }

  async update(): Promise<Received[]> {
    const head = await this.take(4);
    assert.equal(head[0], 0);
    const rectangles: Received[] = [];
    for (let count = head.readUInt16BE(2); count > 0; count--) rectangles.push(await this.#rectangle());
    return rectangles;
  }

  async #rectangle(): Promise<Received> {
    const head = await this.take(12);
    const [x, y, width, height] = [0, 2, 4, 6].map((at) => head.readUInt16BE(at)) as [
      number,
      number,
      number,
      number,
    ];
    const encoding = head.readInt32BE(8);
    const pixels = new Array<number>(width * height).fill(0);
    const put = (column: number, row: number, pixel: number) => {
      pixels[row * width + column] = pixel;
    };
    switch (encoding) {
      case 0:
        await this.#raw(pixels);
        break;
      case 5:
        await this.#hextile(width, height, put);
        break;
      case 7:
        await this.#tight(width, height, put);
        break;
      case 16:
        await this.#zrle(width, height, put);
        break;
      case -223:
      case -258:
        return { x, y, width, height, encoding, pixels: [] };
      case -239:
        await this.take((width * this.format.bitsPerPixel * height) / 8 + Math.ceil(width / 8) * height);
        return { x, y, width, height, encoding, pixels: [] };
      default:
        assert.fail(`encoding ${encoding}`);
    }
    return { x, y, width, height, encoding, pixels };
  }

  async #raw(pixels: number[]): Promise<void> {
    const size = this.format.bitsPerPixel / 8;
    const bytes = await this.take(pixels.length * size);
    for (let index = 0; index < pixels.length; index++) {
      pixels[index] = readPixel(bytes.subarray(index * size, (index + 1) * size), this.format.bigEndian);
    }
  }

  /** How long it is shows only at its end: it is read from the start again when more has come. */
  async #hextile(width: number, height: number, put: Put): Promise<void> {
    for (;;) {
      const length = readHextile(this.#bytes, this.format, width, height, put);
      if (length === undefined) await this.#more();
      else {
        await this.take(length);
        return;
      }
    }
  }

  /** Of the first stream alone, with a palette or without. */
  async #tight(width: number, height: number, put: Put): Promise<void> {
    const { bitsPerPixel, depth, trueColour, red, green, blue, bigEndian } = this.format;
    const whole = [red, green, blue].every(({ max }) => max === 255);
    const packed = bitsPerPixel === 32 && depth === 24 && trueColour && whole;
    const size = packed ? 3 : bitsPerPixel / 8;
    const decode = (bytes: Buffer): number => {
      if (!packed) return readPixel(bytes, bigEndian);
      return ((bytes[0]! << red.shift) | (bytes[1]! << green.shift) | (bytes[2]! << blue.shift)) >>> 0;
    };
    const fill = (pixelAt: (column: number, row: number) => number) => {
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) put(x, y, pixelAt(x, y));
    };
    const data = async (length: number): Promise<Buffer> => {
      if (length < 12) return this.take(length);
      let compressed = 0;
      for (let shift = 0; ; shift += 7) {
        const [byte] = await this.take(1);
        compressed |= (shift < 14 ? byte! & 0x7f : byte!) << shift;
        if (shift === 14 || byte! < 0x80) break;
      }
      const inflated = this.#tightStream.inflate(await this.take(compressed));
      assert.equal(inflated.length, length);
      return inflated;
    };
    const [control] = await this.take(1);
    if (control === 0x80) {
      const pixel = decode(await this.take(size));
      fill(() => pixel);
    } else if (control === 0) {
      const pixels = await data(width * height * size);
      fill((x, y) => decode(pixels.subarray((y * width + x) * size, (y * width + x + 1) * size)));
    } else {
      assert.equal(control, 0x40);
      const [filter, last] = await this.take(2);
      assert.equal(filter, 1);
      const palette: number[] = [];
      for (let left = last! + 1; left > 0; left--) palette.push(decode(await this.take(size)));
      const stride = palette.length === 2 ? Math.ceil(width / 8) : width;
      const places = await data(stride * height);
      fill((x, y) => {
        const row = y * stride;
        return palette[
          palette.length === 2 ? (places[row + (x >> 3)]! >> (7 - (x & 7))) & 1 : places[row + x]!
        ]!;
      });
    }
  }

  async #zrle(width: number, height: number, put: Put): Promise<void> {
    const length = (await this.take(4)).readUInt32BE();
    let data = this.#zrleStream.inflate(await this.take(length));
    const next = (count: number): Buffer => {
      assert.ok(data.length >= count, 'the rectangle is cut short');
      const taken = data.subarray(0, count);
      data = data.subarray(count);
      return taken;
    };
    const { bitsPerPixel, depth, bigEndian, trueColour, red, green, blue } = this.format;
    const mask = [red, green, blue].reduce((bits, { max, shift }) => (bits | (max << shift)) >>> 0, 0);
    const low = mask <= 0xffffff;
    const compact = bitsPerPixel === 32 && depth <= 24 && trueColour && (low || (mask & 0xff) === 0);
    const pixel = (): number => {
      if (!compact) return readPixel(next(bitsPerPixel / 8), bigEndian);
      const value = readPixel(next(3), bigEndian);
      return low ? value : (value << 8) >>> 0;
    };
    for (let top = 0; top < height; top += 64) {
      for (let left = 0; left < width; left += 64) {
        const [right, bottom] = [Math.min(left + 64, width), Math.min(top + 64, height)];
        const kind = next(1)[0]!;
        assert.ok(kind >= 1 && kind <= 16, `tile of kind ${kind}`);
        const palette = Array.from({ length: kind }, pixel);
        const bits = kind === 1 ? 0 : kind === 2 ? 1 : kind <= 4 ? 2 : 4;
        for (let y = top; y < bottom; y++) {
          const row = next(Math.ceil(((right - left) * bits) / 8));
          for (let x = left; x < right; x++) {
            const at = (x - left) * bits;
            const place = bits === 0 ? 0 : (row[at >> 3]! >> (8 - bits - (at & 7))) & ((1 << bits) - 1);
            put(x, y, palette[place]!);
          }
        }
      }
    }
    assert.equal(data.length, 0, 'more than the rectangle');
  }
}

/** A zlib stream that never ends, and is whole at the end of every piece. */
class Inflating {
  #compressed: Buffer = Buffer.alloc(0);
  #inflated = 0;

  /** What the stream goes on with. */
  inflate(piece: Uint8Array): Buffer {
    this.#compressed = Buffer.concat([this.#compressed, piece]);
    const all = inflateSync(this.#compressed, { finishFlush: constants.Z_SYNC_FLUSH });
    const more = all.subarray(this.#inflated);
    this.#inflated = all.length;
    return more;
  }
}

type Put = (column: number, row: number, pixel: number) => void;

/** The length of the rectangle, or undefined when not all of it is there. */
function readHextile(
  bytes: Buffer,
  { bitsPerPixel, bigEndian }: PixelFormat,
  width: number,
  height: number,
  put: Put,
): number | undefined {
  let at = 0;
  const byte = () => bytes[at++] ?? 0;
  const pixel = () => {
    const start = at;
    at += bitsPerPixel / 8;
    return at > bytes.length ? 0 : readPixel(bytes.subarray(start, at), bigEndian);
  };
  let [background, foreground] = [0, 0];
  for (let top = 0; top < height; top += 16) {
    for (let left = 0; left < width; left += 16) {
      if (at >= bytes.length) return undefined;
      const [right, bottom] = [Math.min(left + 16, width), Math.min(top + 16, height)];
      const flags = byte();
      const raw = (flags & 1) !== 0;
      if (!raw && (flags & 2) !== 0) background = pixel();
      if (!raw && (flags & 4) !== 0) foreground = pixel();
      for (let y = top; y < bottom; y++) {
        for (let x = left; x < right; x++) put(x, y, raw ? pixel() : background);
      }
      const count = raw || (flags & 8) === 0 ? 0 : byte();
      for (let index = 0; index < count; index++) {
        const colour = (flags & 16) === 0 ? foreground : pixel();
        const [place, size] = [byte(), byte()];
        if (at > bytes.length) return undefined;
        const [x0, y0] = [left + (place >> 4), top + (place & 15)];
        assert.ok(x0 + (size >> 4) < right && y0 + (size & 15) < bottom, 'a subrectangle leaves its tile');
        for (let y = y0; y <= y0 + (size & 15); y++) {
          for (let x = x0; x <= x0 + (size >> 4); x++) put(x, y, colour);
        }
      }
    }
  }
  return at <= bytes.length ? at : undefined;
}

function readPixel(bytes: Buffer, bigEndian: boolean): number {
  return bigEndian ? bytes.readUIntBE(0, bytes.length) : bytes.readUIntLE(0, bytes.length);
}

function uint16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
