import { DeviceState, type ReadResult } from '@godwit/vfio/contract';
import type { MultifdSender } from '../multifd/sender.js';
import type { DeviceEntry } from '../ports.js';
import { MAX_DEVICE_BLOCK, recordTypes } from '../stream/records.js';
import type { StreamWriter } from '../stream/writer.js';
import type { Transition } from './controller.js';

/** Blocks of one device on their way over additional channels; more would only take memory. */
const MAX_SPREAD_BLOCKS = 4;

/** What a device still has to send, in bytes. */
export interface DevicePending {
  readonly initial: number;
  readonly dirty: number;
  /** What STOP_COPY would read now, as the device estimates it; the other two are part of it. */
  readonly stopCopy: number;
}

/** Sends the state of one device: what it offers while the guest runs, then the rest. */
export class DeviceSender {
  readonly entry: DeviceEntry;
  readonly #number: number;
  readonly #blocks = [
    Buffer.allocUnsafeSlow(MAX_DEVICE_BLOCK),
    Buffer.allocUnsafeSlow(MAX_DEVICE_BLOCK),
  ] as const;
  /** The device's data stream is open and the destination has the part of it that was read. */
  #streaming = false;
  #initialSent = false;
  #complete = false;
  /** How many blocks went over additional channels; undefined where none were to. */
  #spreadBlocks: number | undefined;
  #pending: DevicePending = { initial: 0, dirty: 0, stopCopy: 0 };
  /** The device's last transition when {@link mayHaveWritten} was asked; null before that. */
  #lastTransition: Transition | undefined | null = null;
  /** How many times the destination was told that it has the initial bytes. */
  initialSentRecords = 0;
  /** Bytes of device data sent, without headers. */
  bytes = 0;
  /** Milliseconds of the downtime that this device took: its transitions and its data. */
  downtime = 0;

  /** @param number the device's place in the configuration */
  constructor(entry: DeviceEntry, number: number) {
    this.entry = entry;
    this.#number = number;
  }

  /** Nothing of what was sent has come to stay, as after a break of the connection. */
  startOver(): void {
    this.#streaming = false;
    this.#initialSent = false;
    this.#complete = false;
    this.#pending = { initial: 0, dirty: 0, stopCopy: 0 };
    this.initialSentRecords = 0;
    this.downtime = 0;
  }

  /**
   * Whether the device may have written to RAM since this was asked before. For those that do not log it: one that stands
   * still, and has stood still, has not.
   */
  mayHaveWritten(): boolean {
    const { device, controller } = this.entry;
    const last = controller.transitions.at(-1);
    const writes = device.state === DeviceState.RUNNING || device.state === DeviceState.PRE_COPY;
    const stoodStill = !writes && last === this.#lastTransition;
    this.#lastTransition = last;
    return !stoodStill;
  }

  /** Whether the guest can run while this device sends. */
  get preCopy(): boolean {
    const { state } = this.entry.device;
    return state === DeviceState.PRE_COPY || state === DeviceState.PRE_COPY_P2P;
  }

  /** The destination was told that it has the initial bytes, or the device has none to send before it stops. */
  get initialSent(): boolean {
    return this.#initialSent || !this.preCopy;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** Enters PRE_COPY where the device supports it and runs. */
  async setup(): Promise<void> {
    const { device, controller } = this.entry;
    if (!device.flags.preCopy || device.state !== DeviceState.RUNNING) return;
    await controller.setState(DeviceState.PRE_COPY, DeviceState.RUNNING);
    this.#streaming = true;
    await this.measure();
  }

  /** A cheap estimate of what is left, in bytes, without asking the device: 0 where only STOP_COPY can tell. */
  get estimate(): number {
    return this.preCopy ? this.#pending.initial + this.#pending.dirty : 0;
  }

  /** Asks the device what is left, as exactly as it can say. */
  async measure(): Promise<DevicePending> {
    await this.#askPrecopyInfo();
    const { initial, dirty } = this.#pending;
    const stopCopy = Math.max(await this.entry.device.dataSize(), initial + dirty);
    this.#pending = { initial, dirty, stopCopy };
    return this.#pending;
  }

  /** What was left when the device was last asked, less what was sent since. */
  get pending(): DevicePending {
    return this.#pending;
  }

  /**
   * Sends one block of what the device offers now. Resolves with the bytes sent; 0 when there is nothing for now.
   * @param running whether the guest runs; a device that does and does not save yet then begins to
   */
  async iterate(writer: StreamWriter, running: boolean): Promise<number> {
    await this.#restartIfLost(writer);
    if (running && !this.#streaming) await this.setup();
    if (!this.preCopy) return 0;
    const result = await this.entry.device.readData(this.#blocks[0]);
    const length = result.kind === 'data' ? result.length : 0;
    if (length > 0) await this.#sendBlock(writer, this.#blocks[0].subarray(0, length));
    if (length === 0) await this.measure();
    else if (this.#pending.initial === 0) await this.#askPrecopyInfo();
    if (this.#pending.initial === 0 && !this.#initialSent) {
      this.#initialSent = true;
      this.initialSentRecords++;
      await writer.write({ type: recordTypes.DEVICE_INITIAL_SENT, subject: this.#number });
    }
    return length;
  }

  /**
   * Sends everything else; the guest is stopped.
   * @param multifd where the data goes; {@link DeviceSender.sendEnd} is then to follow, after a sync. Without it all of it,
   * the end included, goes to `writer`.
   */
  async finish(writer: StreamWriter, multifd?: MultifdSender): Promise<void> {
    const { controller } = this.entry;
    await this.#restartIfLost(writer);
    await controller.setState(DeviceState.STOP_COPY, DeviceState.STOP);
    this.#streaming = true;
    if (multifd !== undefined) {
      await this.#spread(multifd);
      return;
    }
    await this.#drain(writer);
    await this.sendEnd(writer);
  }

  /** Says that everything was sent. */
  async sendEnd(writer: StreamWriter): Promise<void> {
    const spread = this.#spreadBlocks;
    const payload = Buffer.alloc(spread === undefined ? 0 : 4);
    if (spread !== undefined) payload.writeUInt32BE(spread);
    await writer.write({ type: recordTypes.DEVICE_END, subject: this.#number, payload });
    this.#complete = true;
    this.#pending = { initial: 0, dirty: 0, stopCopy: 0 };
  }

  /** The next block is read while the last one is written. */
  async #drain(writer: StreamWriter): Promise<void> {
    const { device } = this.entry;
    let turn = 0;
    let reading = device.readData(this.#blocks[0]);
    for (;;) {
      const length = lengthOf(await reading);
      if (length === 0) break;
      const block = this.#blocks[turn]!.subarray(0, length);
      turn = 1 - turn;
      reading = device.readData(this.#blocks[turn]!);
      try {
        await this.#sendBlock(writer, block);
      } catch (error) {
        await settled(reading);
        throw error;
      }
    }
  }

  /** As many blocks are under way as there are channels, up to a limit. */
  async #spread(multifd: MultifdSender): Promise<void> {
    const underWay: { readonly block: Buffer; readonly sent: Promise<unknown> }[] = [];
    const most = Math.min(multifd.channels, MAX_SPREAD_BLOCKS);
    this.#spreadBlocks = 0;
    try {
      for (;;) {
        const oldest = underWay.length < most ? undefined : underWay.shift();
        await oldest?.sent;
        const block = oldest?.block ?? Buffer.allocUnsafeSlow(4 + MAX_DEVICE_BLOCK);
        const length = lengthOf(await this.entry.device.readData(block.subarray(4)));
        if (length === 0) break;
        block.writeUInt32BE(this.#spreadBlocks++);
        const payload = block.subarray(0, 4 + length);
        const { sent } = await multifd.submit({
          type: recordTypes.DEVICE_BLOCK,
          subject: this.#number,
          payload,
        });
        underWay.push({ block, sent });
        this.#countSent(length);
      }
    } finally {
      await Promise.allSettled(underWay.map(({ sent }) => sent));
    }
    for (const { sent } of underWay) await sent;
  }

  /** Back from whatever saving state it is in, for a guest that was not stopped, or not by this migration. */
  async rollBack(): Promise<void> {
    const { device, controller } = this.entry;
    if (this.preCopy) await controller.setState(DeviceState.RUNNING);
    else if (device.state === DeviceState.STOP_COPY) await controller.setState(DeviceState.STOP);
  }

  /** The migration is over and the guest is elsewhere. */
  async release(): Promise<void> {
    const { device, controller } = this.entry;
    if (device.state === DeviceState.STOP_COPY) await controller.setState(DeviceState.STOP);
  }

  /**
   * A guest that is stopped and continued while it migrates takes its devices through STOP_COPY back to RUNNING, which
   * ends the stream: what the destination has of it is worthless.
   */
  async #restartIfLost(writer: StreamWriter): Promise<void> {
    const { state } = this.entry.device;
    if (!this.#streaming || this.preCopy || state === DeviceState.STOP_COPY) return;
    this.#streaming = false;
    this.#initialSent = false;
    await writer.write({ type: recordTypes.DEVICE_RESTART, subject: this.#number });
  }

  async #sendBlock(writer: StreamWriter, payload: Buffer): Promise<void> {
    await writer.write({ type: recordTypes.DEVICE_DATA, subject: this.#number, payload });
    this.#countSent(payload.length);
  }

  #countSent(bytes: number): void {
    this.bytes += bytes;
    const { initial, dirty, stopCopy } = this.#pending;
    const fromInitial = Math.min(initial, bytes);
    this.#pending = {
      initial: initial - fromInitial,
      dirty: Math.max(0, dirty - (bytes - fromInitial)),
      stopCopy: Math.max(0, stopCopy - bytes),
    };
  }

  async #askPrecopyInfo(): Promise<void> {
    let initial = 0;
    let dirty = 0;
    if (this.preCopy) {
      const info = await this.entry.device.precopyInfo();
      if (info.reinit) this.#initialSent = false;
      initial = info.initialBytes;
      dirty = info.dirtyBytes;
    }
    this.#pending = { initial, dirty, stopCopy: Math.max(this.#pending.stopCopy, initial + dirty) };
  }
}

/** What a read in STOP_COPY brought; 0 at the end. */
function lengthOf(result: ReadResult): number {
  if (result.kind === 'empty') {
    throw new Error('the device has nothing to read in STOP_COPY, yet does not end');
  }
  return result.kind === 'end' ? 0 : result.length;
}

async function settled(reading: Promise<ReadResult>): Promise<void> {
  try {
    await reading;
  } catch {
    // The write's error came first and is the one that counts; the read only has to be over.
  }
}
