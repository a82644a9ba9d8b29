import type { Clock } from '@godwit/clock';
import type { Native } from '@godwit/native';
import { VfioError } from '@godwit/vfio';
import type { Capabilities } from '../protocol/capabilities.js';
import { Connection, type ConnectionHandler } from '../protocol/connection.js';
import { ProtocolError } from '../protocol/errors.js';
import {
  Command,
  FEATURE,
  FeatureFlag,
  IRQ_SET,
  IrqSetFlag,
  MIG_DATA,
  REGION_ACCESS,
  WRITE_MULTI,
} from '../protocol/messages.js';
import { PciIrq } from '../protocol/pci-indexes.js';
import type { Message } from '../protocol/receiver.js';
import { ClientMemory, type MemoryRange } from './client-memory.js';
import type { IrqInformation, RegionInformation } from './device-information.js';
import { serveDma } from './dma-service.js';
import { inspectDevice } from './inspection.js';
import { askIoEvents, type IoEventDescriptor } from './io-event-descriptors.js';
import { mapMemory, unmapAllMemory, unmapMemory } from './memory-commands.js';
import { negotiate } from './negotiation.js';
import { Requester } from './requester.js';

export interface VfioUserClientOptions {
  readonly native: Native;
  readonly clock: Clock;
  /** Milliseconds for an ordinary request; a reset or a change of state may take six times as long. Default 5000. */
  readonly timeoutMs?: number;
  /** The server wrote to guest memory by a message. */
  onDmaWrite?(address: number, length: number): void;
  /** Called once, when the connection that was negotiated is gone. */
  closed?(error: Error | undefined): void;
}

export interface RegionWriteRequest {
  readonly region: number;
  readonly offset: number;
  /** At most 8 bytes. */
  readonly data: Uint8Array;
}

const MAX_TRANSFER_SIZE = 1024 * 1024;
const MAX_BITMAP_SIZE = 8 * 1024 * 1024;
const DEFAULT_TIMEOUT_MS = 5000;
/** Fixed parts and JSON, beside the data of a message. */
const PAYLOAD_OVERHEAD = 32 * 1024;

/** What the client says of itself. */
const OWN: Capabilities = {
  maxMessageFds: 16,
  maxDataTransferSize: MAX_TRANSFER_SIZE,
  maxDmaMaps: 65535,
  pageSizes: 4096,
  writeMultiple: true,
  twinSocket: { supported: true },
  migration: { pageSize: 4096, maxBitmapSize: MAX_BITMAP_SIZE },
};

/** A client of a vfio-user server: asks for regions, interrupts, DMA and features, and serves the server's DMA messages. */
export class VfioUserClient {
  readonly memory = new ClientMemory();
  readonly #options: VfioUserClientOptions;
  readonly #connection: Connection;
  readonly #requester: Requester;
  #twin: Connection | undefined;
  #peer: Capabilities | undefined;
  readonly #regions: RegionInformation[] = [];
  #irqs: readonly IrqInformation[] = [];
  #deviceFlags = 0;
  #negotiated = false;

  private constructor(options: VfioUserClientOptions, fd: number) {
    this.#options = options;
    this.#connection = this.#open(fd, (error) => this.#onClosed(error));
    this.#requester = new Requester(
      options.native,
      this.#connection,
      options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    );
  }

  /**
   * Connects to `path`, or takes over a connected socket, and asks what the device is.
   * Rejects where there is no server, where it speaks another version, or breaks the protocol.
   */
  static async connect(target: string | number, options: VfioUserClientOptions): Promise<VfioUserClient> {
    const fd = typeof target === 'number' ? target : options.native.connectUnix(target);
    const client = new VfioUserClient(options, fd);
    try {
      await client.#introduce();
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  /** What the server said of itself. */
  get peer(): Capabilities {
    return this.#peer!;
  }

  get regions(): readonly RegionInformation[] {
    return this.#regions;
  }

  get irqs(): readonly IrqInformation[] {
    return this.#irqs;
  }

  /** VFIO_DEVICE_FLAGS_*. */
  get deviceFlags(): number {
    return this.#deviceFlags;
  }

  /** The most bytes of one transfer, in either direction. */
  get maxTransfer(): number {
    return Math.min(this.peer.maxDataTransferSize, MAX_TRANSFER_SIZE);
  }

  /** Reads a region into `into`; a large read goes in several requests. */
  async readRegion(region: number, offset: number, into: Uint8Array): Promise<void> {
    const step = this.maxTransfer;
    for (let at = 0; at < into.length; at += step) {
      const count = Math.min(step, into.length - at);
      const request = REGION_ACCESS.encode({ offset: offset + at, region, count });
      const size = REGION_ACCESS.size + count;
      const reply = await this.#requester.ask(Command.REGION_READ, [request], { min: size, max: size });
      into.set(reply.payload.subarray(REGION_ACCESS.size), at);
      this.#requester.recycle(reply);
    }
  }

  async writeRegion(region: number, offset: number, from: Uint8Array): Promise<void> {
    const step = this.maxTransfer;
    for (let at = 0; at < from.length; at += step) {
      const data = from.subarray(at, at + step);
      const request = REGION_ACCESS.encode({ offset: offset + at, region, count: data.length });
      await this.#requester.ask(Command.REGION_WRITE, [request, data], {
        min: REGION_ACCESS.size,
        max: REGION_ACCESS.size,
      });
    }
  }

  /** Several small writes, in order; in one message where the server takes that. */
  async writeMany(writes: readonly RegionWriteRequest[]): Promise<void> {
    if (!this.peer.writeMultiple) {
      for (const { region, offset, data } of writes) await this.writeRegion(region, offset, data);
      return;
    }
    const parts = writes.map(({ region, offset, data }) => {
      if (data.length > 8) throw new RangeError('a write of more than 8 bytes among several');
      const part = REGION_ACCESS.encode({ offset, region, count: data.length }, 8).fill(
        0,
        REGION_ACCESS.size,
      );
      part.set(data, REGION_ACCESS.size);
      return part;
    });
    const size = WRITE_MULTI.size;
    const head = WRITE_MULTI.encode({ count: writes.length });
    await this.#requester.ask(Command.REGION_WRITE_MULTI, [head, ...parts], { min: size, max: size });
  }

  /** Gives eventfds to interrupts from `start` on; the descriptors stay with the caller. None: takes `count` of them away. */
  async setIrqs(index: number, start: number, fds: readonly number[], count = fds.length): Promise<void> {
    const flags = IrqSetFlag.DATA_EVENTFD | IrqSetFlag.ACTION_TRIGGER;
    // As many at once as the server takes with a message.
    const step = Math.max(1, Math.min(this.peer.maxMessageFds, OWN.maxMessageFds));
    if (fds.length <= step || fds.length !== count) {
      await this.#setIrqs({ flags, index, start, count }, fds);
      return;
    }
    for (let at = 0; at < fds.length; at += step) {
      const part = fds.slice(at, at + step);
      await this.#setIrqs({ flags, index, start: start + at, count: part.length }, part);
    }
  }

  /** Gives an eventfd by which INTx is unmasked, as KVM signals it; it stays with the caller. Undefined: takes it away. */
  async setIntxUnmask(fd: number | undefined): Promise<void> {
    const flags = IrqSetFlag.DATA_EVENTFD | IrqSetFlag.ACTION_UNMASK;
    await this.#setIrqs({ flags, index: PciIrq.INTX, start: 0, count: 1 }, fd === undefined ? [] : [fd]);
  }

  /** Eventfds that take the place of writes to a region; the descriptors belong to the caller. */
  async ioEvents(index: number): Promise<IoEventDescriptor[]> {
    return askIoEvents(this.#requester, index, this.#regions[index]?.size ?? 0);
  }

  /** Masks, unmasks or triggers interrupts. */
  async actOnIrqs(
    action: 'mask' | 'unmask' | 'trigger',
    index: number,
    start: number,
    count: number,
  ): Promise<void> {
    const bit = {
      mask: IrqSetFlag.ACTION_MASK,
      unmask: IrqSetFlag.ACTION_UNMASK,
      trigger: IrqSetFlag.ACTION_TRIGGER,
    };
    await this.#setIrqs({ flags: IrqSetFlag.DATA_NONE | bit[action], index, start, count }, []);
  }

  /** Gives memory to the server: by its file where it has one, else by messages. EEXIST: it overlaps another. */
  async mapMemory(range: MemoryRange): Promise<void> {
    await mapMemory(this.#options.native, this.#requester, this.memory, range);
  }

  /** Takes memory away from the server. While DMA is logged, what the server wrote to it is still reported afterwards. */
  async unmapMemory(address: number): Promise<void> {
    await unmapMemory(this.#requester, this.memory, address);
  }

  /** Takes all memory away. */
  async unmapAllMemory(): Promise<void> {
    await unmapAllMemory(this.#requester, this.memory);
  }

  async reset(): Promise<void> {
    await this.#requester.ask(Command.DEVICE_RESET, [], { slow: true });
  }

  /** Whether the server has a feature. */
  async hasFeature(feature: number, access: 'get' | 'set'): Promise<boolean> {
    const bit = access === 'get' ? FeatureFlag.GET : FeatureFlag.SET;
    try {
      await this.#feature(FeatureFlag.PROBE | bit | feature, Buffer.alloc(0), FEATURE.size);
      return true;
    } catch (error) {
      if (error instanceof VfioError) return false;
      throw error;
    }
  }

  /** Gets a feature's data, of at most `size` bytes. */
  async getFeature(feature: number, size: number, data: Buffer = Buffer.alloc(0)): Promise<Buffer> {
    const reply = await this.#feature(FeatureFlag.GET | feature, data, FEATURE.size + size);
    if (FEATURE.read(reply).argsz > FEATURE.size + size) {
      throw new ProtocolError(`the feature ${feature} has more data than was asked for`);
    }
    return reply.subarray(FEATURE.size);
  }

  async setFeature(feature: number, data: Buffer): Promise<void> {
    await this.#feature(FeatureFlag.SET | feature, data, FEATURE.size + data.length);
  }

  /** Reads migration data into `into`: how many bytes; fewer than there is room for (or than {@link maxTransfer}): no more for now. */
  async readMigrationData(into: Uint8Array): Promise<number> {
    const size = Math.min(into.length, this.maxTransfer);
    const request = MIG_DATA.encode({ argsz: MIG_DATA.size + size, size });
    const expected = { min: MIG_DATA.size, max: MIG_DATA.size + size };
    const reply = await this.#requester.ask(Command.MIG_DATA_READ, [request], expected);
    const { payload } = reply;
    const { size: length } = MIG_DATA.read(payload);
    // There may be bytes behind the data: libvfio-user replies with as many as were asked for.
    if (payload.length < MIG_DATA.size + length) {
      throw this.#requester.broken(
        `${length} bytes of migration data come as ${payload.length - MIG_DATA.size}`,
      );
    }
    into.set(payload.subarray(MIG_DATA.size, MIG_DATA.size + length));
    this.#requester.recycle(reply);
    return length;
  }

  async writeMigrationData(from: Uint8Array): Promise<void> {
    const step = this.maxTransfer;
    for (let at = 0; at < from.length; at += step) {
      const data = from.subarray(at, at + step);
      const request = MIG_DATA.encode({ argsz: MIG_DATA.size + data.length, size: data.length });
      await this.#requester.ask(Command.MIG_DATA_WRITE, [request, data], { max: MIG_DATA.size });
    }
  }

  /** Ends the connection, and closes the descriptors of regions. Idempotent. */
  close(): void {
    this.#connection.close();
    this.#twin?.close();
    this.#releaseRegions();
  }

  #open(fd: number, closed: (error: Error | undefined) => void): Connection {
    const handler: ConnectionHandler = { command: (message) => this.#command(connection, message), closed };
    const connection = new Connection(this.#options.native, fd, handler, {
      clock: this.#options.clock,
      maxPayload: MAX_BITMAP_SIZE + PAYLOAD_OVERHEAD,
    });
    return connection;
  }

  /** Agrees on the version, and asks what the device is. */
  async #introduce(): Promise<void> {
    const { peer, twin } = await negotiate(this.#options.native, this.#requester, OWN);
    this.#peer = peer;
    if (twin !== undefined) this.#twin = this.#open(twin, (error) => this.#connection.close(error));
    this.#negotiated = true;
    const { flags, irqs } = await inspectDevice(this.#requester, this.#regions);
    this.#deviceFlags = flags;
    this.#irqs = irqs;
  }

  async #setIrqs(
    request: { flags: number; index: number; start: number; count: number },
    borrowed: readonly number[],
  ): Promise<void> {
    const fds = borrowed.map((fd) => this.#options.native.dup(fd));
    await this.#requester.ask(
      Command.DEVICE_SET_IRQS,
      [IRQ_SET.encode({ argsz: IRQ_SET.size, ...request })],
      {},
      fds,
    );
  }

  async #feature(flags: number, data: Buffer, argsz: number): Promise<Buffer> {
    const expected = { min: FEATURE.size, max: argsz + data.length, slow: true };
    const reply = await this.#requester.ask(
      Command.DEVICE_FEATURE,
      [FEATURE.encode({ argsz, flags }), data],
      expected,
    );
    return reply.payload;
  }

  #command(connection: Connection, message: Message): void {
    const written = serveDma(this.memory, MAX_TRANSFER_SIZE, connection, message);
    if (written !== undefined) this.#options.onDmaWrite?.(written.address, written.length);
  }

  #onClosed(error: Error | undefined): void {
    this.#twin?.close();
    this.#releaseRegions();
    if (this.#negotiated) this.#options.closed?.(error);
  }

  #releaseRegions(): void {
    for (const region of this.#regions.splice(0)) {
      if (region.mapping !== undefined) this.#options.native.close(region.mapping.fd);
    }
  }
}
