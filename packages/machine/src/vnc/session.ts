import type { X509Certificate } from 'node:crypto';
import type { TlsOptions } from 'node:tls';
import type { Clock, Timer } from '@godwit/clock';
import type { Transport, TransportHandler } from '@godwit/qmp';
import { type Display, type DisplayListener, Keys, type Rectangle } from '../console/index.js';
import { type ClientMessageHandler, clientMessages } from './client-messages.js';
import { type Conversation, Listening, VncProtocolError } from './conversation.js';
import { Damage } from './damage.js';
import { Encoders, Encoding } from './encodings.js';
import { type HandshakeOptions, handshake, VncRefusal } from './handshake.js';
import { DEFAULT_FORMAT, encodePalette, type PixelFormat, writePixelFormat } from './pixel-format.js';
import { encodePointer, POINTER_AREA } from './pointer-shape.js';
import { POWER_OFFERED, POWER_REFUSED, type PowerAction, powerAction } from './power-control.js';
import { startTls } from './tls-layer.js';
import type { TransportStream } from './transport-stream.js';

/** A client that is not through the handshake by then is sent away, in milliseconds. */
const HANDSHAKE_LIMIT_MS = 10_000;

/** More than the greatest update, in bytes: a client that has not read that much is not one that reads. */
const OUTPUT_LIMIT = 4 << 20;

export interface SessionOptions extends Omit<HandshakeOptions, 'send'> {
  readonly transport: Transport;
  /** Makes of the connection what is spoken over. Absent where that is the connection itself. */
  readonly upgrade?: ((connection: Transport) => Promise<Transport>) | undefined;
  readonly clock: Clock;
  readonly display: Display;
  /** What the viewer's window is called. */
  readonly title: string;
  /** For a client that has to speak TLS. */
  readonly tls: () => TlsOptions;
  /** Asked when it does whether it may go on, with its certificate if it has shown one. */
  readonly identified: (certificate: X509Certificate | undefined) => boolean;
  /** Asked at the end of the handshake whether the client may stay. */
  readonly admit: (shared: boolean) => boolean;
  /** Takes what is typed. */
  readonly typed: (bytes: Uint8Array) => void;
  /** Absent where viewers have no power over the machine. */
  readonly power?: ((action: PowerAction) => void) | undefined;
  readonly closed: () => void;
}

/**
 * One client of a VNC server. An update is sent when the client has asked for one, something has changed that it has not
 * seen, and it has taken the update before: so what waits for a slow client is one update, however much changes.
 */
export class VncSession implements ClientMessageHandler, DisplayListener {
  readonly #options: SessionOptions;
  /** What is written to: the connection, or TLS on top of it. */
  #transport: Transport;
  /** What TLS runs over, once the client speaks it: what the connection says goes there. */
  #encrypted: TransportStream | undefined;
  /** Absent while the connection is made to be what is spoken over. */
  #listening: Listening | undefined;
  readonly #keys = new Keys();
  readonly #encoders = new Encoders();
  readonly #damage: Damage;
  #deadline: Timer | undefined;
  #established = false;
  #over = false;
  #format: PixelFormat = DEFAULT_FORMAT;
  #encoding: number = Encoding.RAW;
  #supported: readonly number[] = [];
  #requested = false;
  /** The client has not taken the last update yet. */
  #blocked = false;
  /** The picture's size as the client knows it. */
  #width: number;
  #height: number;
  #pointerSent = false;
  #keysSent = false;

  constructor(options: SessionOptions) {
    const { display, clock, transport } = options;
    this.#options = options;
    this.#width = display.width;
    this.#height = display.height;
    this.#damage = new Damage(this.#width, this.#height);
    this.#deadline = clock.setTimer(() => this.close(), HANDSHAKE_LIMIT_MS);
    this.#transport = transport;
    if (options.upgrade === undefined) this.#begin(transport);
    else
      options.upgrade(transport).then(
        (upgraded) => this.#begin(upgraded),
        () => this.#ended(),
      );
  }

  /** Whether the handshake is done. */
  get established(): boolean {
    return this.#established;
  }

  /** Sends an update if it is time for one. */
  update(): void {
    if (!this.#established || !this.#requested || this.#blocked || this.#over) return;
    const rectangles = this.#resizing
      ? [this.#resize()]
      : [...this.#extendedKeys(), ...this.#pointer(), ...this.#changes()];
    if (rectangles.length === 0) return;
    this.#requested = false;
    const header = Buffer.alloc(4);
    header.writeUInt16BE(rectangles.length, 2);
    this.#send(Buffer.concat([header, ...rectangles]));
  }

  /** Ends the connection at once. */
  close(): void {
    this.#over = true;
    this.#transport.destroy();
    this.#encrypted?.destroy();
    this.#options.transport.destroy();
  }

  stale(): void {}

  drawn(area: Rectangle): void {
    this.#damage.add(area);
  }

  resized(): void {
    const { display } = this.#options;
    // A client that cannot follow goes on with the part that it has room for.
    this.#damage.resize(Math.min(this.#width, display.width), Math.min(this.#height, display.height));
  }

  setPixelFormat(format: PixelFormat): void {
    this.#format = format;
    if (!format.trueColour) this.#send(colourMap(this.#options.display));
  }

  setEncodings(encodings: readonly number[]): void {
    this.#supported = encodings;
    if (this.#options.power !== undefined && encodings.includes(Encoding.POWER_CONTROL)) {
      this.#send(POWER_OFFERED);
    }
    this.#encoding = Encoders.choose(encodings);
  }

  requestUpdate(incremental: boolean, area: Rectangle): void {
    if (!incremental) this.#damage.add(area);
    this.#requested = true;
    this.update();
  }

  key(keysym: number, down: boolean): void {
    const bytes = this.#keys.press(keysym, down);
    if (bytes.length > 0) this.#options.typed(bytes);
  }

  power(version: number, action: number): void {
    const { power } = this.#options;
    if (power === undefined) throw new VncProtocolError('power over the machine was not offered');
    const known = powerAction(version, action);
    if (known === undefined) this.#send(POWER_REFUSED);
    else power(known);
  }

  #begin(transport: Transport): void {
    this.#transport = transport;
    const plain = this.#plainHandler();
    transport.start({
      data: (chunk, fds) => (this.#encrypted ?? plain).data(chunk, fds),
      drain: () => (this.#encrypted ?? plain).drain(),
      ended: () => (this.#encrypted ?? plain).ended(),
      closed: () => this.#ended(),
    });
    this.#listening = new Listening(this.#converse(), (received) => this.#secure(received));
  }

  #ended(): void {
    this.#deadline?.cancel();
    this.close();
    this.#options.closed();
  }

  /** What becomes of what the client says in the end, encrypted or not. */
  #plainHandler(): Pick<TransportHandler, 'data' | 'drain' | 'ended'> {
    return {
      data: (chunk) => this.#receive(chunk),
      drain: () => {
        this.#blocked = false;
        this.update();
      },
      ended: () => this.close(),
    };
  }

  /** Goes over to TLS; the conversation goes on when the client has shown what it was asked for. */
  #secure(received: Buffer): void {
    const { transport, tls, identified } = this.#options;
    const plain = this.#plainHandler();
    this.#encrypted = startTls(transport, tls(), received, {
      failed: () => this.close(),
      secured: (secure, certificate) => {
        if (this.#over || !identified(certificate)) {
          secure.destroy();
          this.close();
          return;
        }
        this.#transport = secure;
        this.#blocked = false;
        secure.start({ ...plain, closed: () => this.close() });
        this.#listening?.secured();
      },
    });
  }

  *#converse(): Conversation<void> {
    const shared = yield* handshake({ ...this.#options, send: (bytes) => this.#send(bytes) });
    if (!this.#options.admit(shared)) throw new VncRefusal('the desktop is not shared');
    this.#deadline?.cancel();
    this.#established = true;
    const title = Buffer.from(this.#options.title);
    const init = Buffer.alloc(4);
    init.writeUInt16BE(this.#width, 0);
    init.writeUInt16BE(this.#height, 2);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(title.length);
    this.#send(Buffer.concat([init, writePixelFormat(DEFAULT_FORMAT), length, title]));
    yield* clientMessages(this);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#over) return;
    try {
      this.#listening?.feed(chunk);
    } catch (error) {
      this.#over = true;
      // Who was turned away is told so first, and has until the end of the handshake's time to hear it.
      if (error instanceof VncRefusal) this.#transport.end();
      else this.close();
    }
  }

  #send(bytes: Uint8Array): void {
    const transport = this.#transport;
    if (this.#over) return;
    if (transport.writableLength > OUTPUT_LIMIT) this.close();
    else if (!transport.write(bytes)) this.#blocked = true;
  }

  get #resizing(): boolean {
    const { width, height } = this.#options.display;
    const same = width === this.#width && height === this.#height;
    return !same && this.#supported.includes(Encoding.DESKTOP_SIZE);
  }

  #resize(): Uint8Array {
    const { width, height } = this.#options.display;
    this.#width = width;
    this.#height = height;
    this.#damage.resize(width, height);
    return rectangleHeader({ x: 0, y: 0, width, height }, Encoding.DESKTOP_SIZE);
  }

  /** Tells a client that can that it may send scan codes as well. */
  #extendedKeys(): Uint8Array[] {
    if (this.#keysSent || !this.#supported.includes(Encoding.EXTENDED_KEYS)) return [];
    this.#keysSent = true;
    const area = { x: 0, y: 0, width: this.#width, height: this.#height };
    return [rectangleHeader(area, Encoding.EXTENDED_KEYS)];
  }

  #pointer(): Uint8Array[] {
    if (this.#pointerSent || !this.#supported.includes(Encoding.CURSOR)) return [];
    this.#pointerSent = true;
    const pixels = encodePalette(this.#format, this.#options.display.palette);
    const shape = encodePointer(pixels.at(-1)!, pixels[0]!);
    return [Buffer.concat([rectangleHeader(POINTER_AREA, Encoding.CURSOR), shape])];
  }

  #changes(): Uint8Array[] {
    const { display } = this.#options;
    const encode = this.#encoders.encoder(this.#encoding, this.#format, display.palette);
    return this.#damage
      .take()
      .map((area) => Buffer.concat([rectangleHeader(area, this.#encoding), encode(display, area)]));
  }
}

function rectangleHeader({ x, y, width, height }: Rectangle, encoding: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  [x, y, width, height].forEach((value, index) => {
    bytes.writeUInt16BE(value, 2 * index);
  });
  bytes.writeInt32BE(encoding, 8);
  return bytes;
}

/** SetColourMapEntries (RFC 6143, 7.6.2): every colour of the display at its own index. */
function colourMap({ palette }: Display): Uint8Array {
  const bytes = Buffer.alloc(6 + 6 * palette.length);
  bytes[0] = 1;
  bytes.writeUInt16BE(palette.length, 4);
  palette.flat().forEach((level, index) => {
    bytes.writeUInt16BE(level * 0x101, 6 + 2 * index);
  });
  return bytes;
}
