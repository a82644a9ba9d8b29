import type { Clock, Timer } from '@godwit/clock';
import type { Native } from '@godwit/native';
import { VfioError } from '@godwit/vfio';
import { type Attachment, PciFunction, SnapshotMigration } from '../src/index.js';

const BAR0_SIZE = 8;
const BAR1_SIZE = 0x3000;
const PAGE_SIZE = 4096;
const CHUNK = 1024;

/**
 * A device that behaves as the sample of libvfio-user does, so that the sample's client can be run against it: BAR0 is a
 * time in seconds at which it raises INTx and does some DMA, BAR1 is memory of which two pages can be mapped.
 */
export class SampleDevice {
  readonly function: PciFunction;
  readonly #native: Native;
  readonly #clock: Clock;
  readonly #attachment: Attachment;
  readonly #file: number;
  readonly #bar1: Uint8Array<ArrayBuffer>;
  #alarmAt = 0;
  #alarm: Timer | undefined;

  constructor(native: Native, clock: Clock, attachment: Attachment) {
    this.#native = native;
    this.#clock = clock;
    this.#attachment = attachment;
    this.#file = native.memfdCreate('bar1', BAR1_SIZE, { sealed: true });
    this.#bar1 = new Uint8Array(native.mmap(this.#file, 0, BAR1_SIZE, true));
    const bar1 = this.#bar1;
    this.function = new PciFunction({
      vendorId: 0xdead,
      deviceId: 0xbeef,
      subsystemVendorId: 0xcafe,
      subsystemId: 0xbabe,
      classCode: 0xff0000,
      intx: true,
      bars: {
        0: {
          size: BAR0_SIZE,
          read: (offset, into) => this.#readTime(offset, into),
          write: (offset, from) => this.#setTime(offset, from),
        },
        1: {
          size: BAR1_SIZE,
          read: (offset, into) => into.set(bar1.subarray(offset, offset + into.length)),
          write: (offset, from) => bar1.set(from, offset),
          mapping: {
            fd: this.#file,
            offset: 0,
            areas: [
              { offset: 0, size: PAGE_SIZE },
              { offset: 2 * PAGE_SIZE, size: PAGE_SIZE },
            ],
          },
        },
      },
      migration: new SnapshotMigration({
        // libvfio-user's sample has no frames.
        unframed: true,
        preCopy: () => bar1.slice(),
        save: () => this.#save(),
        load: (state) => this.#load(state),
        running: (running) => (running ? this.#arm() : this.#disarm()),
        reset: () => undefined,
      }),
    });
  }

  close(): void {
    this.#disarm();
    this.#native.munmap(this.#bar1.buffer);
    this.#native.close(this.#file);
  }

  #readTime(offset: number, into: Uint8Array): void {
    checkWhole(offset, into.length);
    const view = new DataView(into.buffer, into.byteOffset, BAR0_SIZE);
    view.setBigInt64(0, BigInt(this.#seconds() - this.#alarmAt), true);
  }

  #setTime(offset: number, from: Uint8Array): void {
    checkWhole(offset, from.length);
    this.#alarmAt = Number(new DataView(from.buffer, from.byteOffset, BAR0_SIZE).getBigInt64(0, true));
    this.#arm();
  }

  #save(): Uint8Array {
    const state = new Uint8Array(BAR1_SIZE + BAR0_SIZE);
    state.set(this.#bar1);
    new DataView(state.buffer).setBigInt64(BAR1_SIZE, BigInt(this.#alarmAt), true);
    return state;
  }

  /** The last of what came is the whole state. */
  #load(state: Uint8Array): void {
    const start = state.length - BAR1_SIZE - BAR0_SIZE;
    if (start < 0) throw new VfioError('EINVAL', `a state of ${state.length} bytes is too short`);
    this.#bar1.set(state.subarray(start, start + BAR1_SIZE));
    const view = new DataView(state.buffer, state.byteOffset + start + BAR1_SIZE, BAR0_SIZE);
    this.#alarmAt = Number(view.getBigInt64(0, true));
  }

  #seconds(): number {
    return Math.floor(this.#clock.wallMicroseconds() / 1_000_000);
  }

  #arm(): void {
    this.#disarm();
    if (this.#alarmAt === 0) return;
    const delayMs = this.#alarmAt * 1000 - this.#clock.wallMicroseconds() / 1000;
    this.#alarm = this.#clock.setTimer(() => this.#ring(), Math.max(0, delayMs));
  }

  #disarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
  }

  #ring(): void {
    const { memory, interrupts } = this.#attachment;
    interrupts.raise(0);
    const [first, second] = memory.maps;
    if (first === undefined || second === undefined) return;
    // The second range directly, the first by messages, whether it could be mapped or not.
    const pattern = Buffer.concat([0, 1, 2, 3].map((index) => Buffer.alloc(CHUNK, 0x41 + index)));
    const back = Buffer.alloc(pattern.length);
    memory.write(second.address, pattern);
    memory.read(second.address, back);
    if (!back.equals(pattern)) throw new Error('what was written directly reads differently');
    for (let at = 0; at < pattern.length; at += CHUNK) {
      memory.writeByMessages(first.address + at, pattern.subarray(at, at + CHUNK));
    }
    for (let at = 0; at < pattern.length; at += 2 * CHUNK) {
      memory.readByMessages(
        first.address + at,
        back.fill(0, at, at + 2 * CHUNK).subarray(at, at + 2 * CHUNK),
      );
    }
    if (!back.equals(pattern)) throw new Error('what was written by messages reads differently');
  }
}

function checkWhole(offset: number, length: number): void {
  if (offset !== 0 || length !== BAR0_SIZE)
    throw new VfioError('EINVAL', 'BAR0 is read and written as a whole');
}
