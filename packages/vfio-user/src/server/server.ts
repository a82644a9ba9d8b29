import type { Clock, Timer } from '@godwit/clock';
import { type Native, UnixListener } from '@godwit/native';
import { ERRNO, VfioError } from '@godwit/vfio';
import { type Capabilities, decodeVersion, encodeVersion, MAJOR, MINOR } from '../protocol/capabilities.js';
import { Connection } from '../protocol/connection.js';
import { DisconnectedError, ProtocolError } from '../protocol/errors.js';
import { Command, commandName } from '../protocol/messages.js';
import type { Message } from '../protocol/receiver.js';
import { COMMANDS } from './commands.js';
import { DmaSpace } from './dma-space.js';
import type { ServedFunction } from './function.js';
import { Interrupts } from './interrupts.js';
import { IoEventfds } from './io-eventfds.js';
import type { Session } from './session.js';

/** What a device is given of its client, whichever is connected. */
export interface Attachment {
  /** The client's memory; EFAULT while none is connected. */
  readonly memory: DmaSpace;
  readonly interrupts: Interrupts;
}

export interface VfioUserServerOptions {
  readonly native: Native;
  readonly clock: Clock;
  /** Makes the device around what it is given. */
  create(attachment: Attachment): ServedFunction;
  /** Default 1 MiB. */
  readonly maxDataTransferSize?: number;
  readonly events?: VfioUserServerEvents;
}

export interface VfioUserServerEvents {
  /** A client has negotiated its version. */
  connected?(): void;
  /** A client that had negotiated is gone; its memory and interrupts are released. With what ended the connection, if not the client's leave. */
  disconnected?(error: Error | undefined): void;
  /** A connection that was not let in, or the listener's trouble. */
  refused?(error: Error): void;
}

/** How long a peer that does not say its version may keep others out, in milliseconds. */
const NEGOTIATION_LIMIT_MS = 5000;
const DEFAULT_TRANSFER_SIZE = 1024 * 1024;
const MAX_TRANSFER_SIZE = 64 * 1024 * 1024;
/** Descriptors that a client's message may bring. */
const MAX_MESSAGE_FDS = 16;
const MAX_DMA_MAPS = 16 * 1024;
/** Enough for 256 GiB of 4 KiB pages. */
const MAX_BITMAP_SIZE = 8 * 1024 * 1024;
/** Fixed parts and JSON, beside the data of a transfer. */
const PAYLOAD_OVERHEAD = 32 * 1024;

/** Serves a device to one client at a time. The device's state outlives its clients. */
export class VfioUserServer {
  readonly device: ServedFunction;
  readonly #options: VfioUserServerOptions;
  readonly #dma: DmaSpace;
  readonly #interrupts: Interrupts;
  readonly #ioEventfds: IoEventfds;
  readonly #transferSize: number;
  #listener: UnixListener | undefined;
  #connection: Connection | undefined;
  #twin: Connection | undefined;
  #session: Session | undefined;
  #negotiation: Timer | undefined;
  #ended = false;
  #scratch = Buffer.alloc(4096);

  constructor(options: VfioUserServerOptions) {
    this.#options = options;
    this.#transferSize = Math.min(options.maxDataTransferSize ?? DEFAULT_TRANSFER_SIZE, MAX_TRANSFER_SIZE);
    this.#dma = new DmaSpace(options.native, MAX_DMA_MAPS);
    this.#interrupts = new Interrupts(options.native);
    this.device = options.create({ memory: this.#dma, interrupts: this.#interrupts });
    this.#interrupts.define(this.device.interrupts);
    this.device.attach?.(this.#interrupts);
    this.#ioEventfds = new IoEventfds(options.native, this.device);
  }

  /** Whether a client has negotiated. */
  get connected(): boolean {
    return this.#session !== undefined;
  }

  /** Listens on a unix socket. Throws what {@link UnixListener} throws. */
  listen(path: string): void {
    this.#listener = new UnixListener(this.#options.native, path, {
      connection: (fd) => this.accept(fd),
      failed: (error) => this.#options.events?.refused?.(error),
    });
  }

  /** Takes over a connected socket. While a client is there, it is closed. */
  accept(fd: number): void {
    // Whether the last one has just gone is known after the event loop has looked at all sockets once more.
    if (this.#connection === undefined) this.#admit(fd);
    else setImmediate(() => setImmediate(() => this.#admit(fd)));
  }

  #admit(fd: number): void {
    if (this.#connection !== undefined || this.#ended) {
      this.#options.native.close(fd);
      if (!this.#ended) {
        this.#options.events?.refused?.(new VfioError('EBUSY', 'a client is connected already'));
      }
      return;
    }
    const { native, clock } = this.#options;
    const maxPayload = this.#transferSize + PAYLOAD_OVERHEAD;
    const handler = {
      command: (message: Message) => this.#command(message),
      closed: (error: Error | undefined) => this.#onClosed(error),
    };
    this.#connection = new Connection(native, fd, handler, { clock, maxPayload });
    this.#negotiation = clock.setTimer(
      () => this.#connection?.close(new DisconnectedError('the client does not say its version')),
      NEGOTIATION_LIMIT_MS,
    );
  }

  /** Ends the connection and the listener. The device stays with its owner. Idempotent. */
  close(): void {
    this.#ended = true;
    this.#listener?.close();
    this.#listener = undefined;
    this.#connection?.close();
    this.#twin?.close();
  }

  #command(message: Message): void | Promise<void> {
    const session = this.#session;
    if (session === undefined) {
      this.#negotiate(message);
      return;
    }
    const handler = COMMANDS.get(message.command);
    if (handler === undefined)
      throw new VfioError('EINVAL', `a client may not send ${commandName(message.command)}`);
    return handler(session, message);
  }

  #negotiate(message: Message): void {
    const connection = this.#connection!;
    if (message.command !== Command.VERSION) {
      connection.replyError(message, ERRNO.EINVAL);
      connection.end(new ProtocolError(`${commandName(message.command)} comes before the version`));
      return;
    }
    const { major, minor, capabilities: peer } = decodeVersion(message.payload);
    if (major !== MAJOR) throw new VfioError('EINVAL', `version ${major}.${minor} is not spoken`);
    this.#negotiation?.cancel();
    const twin = peer.twinSocket.supported ? this.#openTwin() : undefined;
    const own: Capabilities = {
      maxMessageFds: MAX_MESSAGE_FDS,
      maxDataTransferSize: this.#transferSize,
      maxDmaMaps: MAX_DMA_MAPS,
      pageSizes: 4096,
      writeMultiple: peer.writeMultiple,
      twinSocket: twin === undefined ? { supported: false } : { supported: true, fdIndex: 0 },
      migration: {
        pageSize: 4096,
        maxBitmapSize: Math.min(peer.migration?.maxBitmapSize ?? MAX_BITMAP_SIZE, MAX_BITMAP_SIZE),
      },
    };
    this.#session = {
      native: this.#options.native,
      connection,
      device: this.device,
      dma: this.#dma,
      interrupts: this.#interrupts,
      ioEventfds: this.#ioEventfds,
      peer,
      own,
      scratch: (size) => this.#takeScratch(size),
    };
    const maxTransfer = Math.max(1, Math.min(peer.maxDataTransferSize, this.#transferSize));
    this.#dma.connect({ connection: this.#twin ?? connection, maxTransfer });
    const version = { major: MAJOR, minor: Math.min(minor, MINOR), capabilities: own };
    connection.reply(message, [encodeVersion(version)], twin === undefined ? [] : [twin]);
    this.#options.events?.connected?.();
  }

  /** Opens the socket for the server's own commands; returns the client's end. */
  #openTwin(): number {
    const { native, clock } = this.#options;
    const [ours, theirs] = native.socketpair();
    const handler = { closed: (error: Error | undefined) => this.#connection?.close(error) };
    this.#twin = new Connection(native, ours, handler, {
      clock,
      maxPayload: this.#transferSize + PAYLOAD_OVERHEAD,
    });
    return theirs;
  }

  #takeScratch(size: number): Buffer {
    // What is still on its way out of the last one must not change.
    const inUse = (this.#connection?.unsent ?? 0) > 0;
    if (inUse || this.#scratch.length < size) this.#scratch = Buffer.alloc(Math.max(size, 4096));
    return this.#scratch.subarray(0, size);
  }

  #onClosed(error: Error | undefined): void {
    const negotiated = this.#session !== undefined;
    this.#negotiation?.cancel();
    this.#connection = undefined;
    this.#session = undefined;
    this.#dma.connect(undefined);
    this.#interrupts.clear();
    this.#ioEventfds.clear();
    this.#twin?.close();
    this.#twin = undefined;
    if (negotiated) this.#options.events?.disconnected?.(error);
    else if (error !== undefined) this.#options.events?.refused?.(error);
  }
}
