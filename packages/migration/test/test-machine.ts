import { type Clock, VirtualClock } from '@godwit/clock';
import {
  createModel,
  type DmaMemory,
  type ModelledDevice,
  type PropertyValue,
  stateName,
  VfioError,
} from '@godwit/vfio';
import {
  DeviceController,
  type DeviceEntry,
  type DirtyLog,
  type GuestRam,
  type MachineControl,
  type MachinePort,
  type StateSection,
  startDevices,
  stopDevices,
} from '../src/index.js';

export const PAGE = 4096;

/** Numbers that look random and are the same each time. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state / 2 ** 32;
  };
}

class TestRam implements GuestRam, DmaMemory {
  readonly pageSize = PAGE;
  readonly size: number;
  readonly segments;
  readonly fresh = true;

  constructor(sizes: readonly number[]) {
    let address = 0;
    this.segments = sizes.map((size) => {
      const segment = { address, bytes: new Uint8Array(size) };
      address += size;
      return segment;
    });
    this.size = address;
  }

  read(address: number, into: Uint8Array): void {
    const { bytes, offset } = this.#find(address, into.length);
    into.set(bytes.subarray(offset, offset + into.length));
  }

  write(address: number, from: Uint8Array): void {
    const { bytes, offset } = this.#find(address, from.length);
    bytes.set(from, offset);
  }

  #find(address: number, length: number): { bytes: Uint8Array; offset: number } {
    for (const segment of this.segments) {
      const offset = address - segment.address;
      if (offset >= 0 && offset + length <= segment.bytes.length) return { bytes: segment.bytes, offset };
    }
    throw new VfioError('EFAULT', `no memory at ${address}, +${length}`);
  }
}

/** Marks that are only kept while the log is on, as in any machine. */
class TestDirtyLog implements DirtyLog {
  readonly #words: Uint32Array;
  active = false;
  throttled = 0;

  constructor(pages: number) {
    this.#words = new Uint32Array(Math.ceil(pages / 32));
  }

  mark(page: number): void {
    if (this.active) this.#words[page >>> 5]! |= 1 << (page & 31);
  }

  start(): void {
    this.#words.fill(0);
    this.active = true;
  }

  stop(): void {
    this.active = false;
  }

  collect(into: Uint32Array): void {
    this.#words.forEach((word, index) => {
      into[index]! |= word;
    });
    this.#words.fill(0);
  }

  throttle(percentage: number): void {
    this.throttled = percentage;
  }
}

export interface TestDevice {
  readonly id: string;
  readonly model: string;
  readonly properties?: Record<string, PropertyValue>;
  readonly multifdTransfer?: 'on' | 'off' | 'auto';
}

export interface TestMachineOptions {
  readonly clock?: Clock;
  /** Sizes of the segments of RAM. */
  readonly ram?: readonly number[];
  readonly devices?: readonly TestDevice[];
  readonly runState?: string;
  readonly vcpus?: number;
  readonly seed?: number;
}

/** A machine as small as a migration allows: RAM, a page-writing guest, models of devices, and a list of events. */
export class TestMachine implements MachinePort, MachineControl {
  readonly clock: Clock;
  readonly ram: TestRam;
  readonly dirtyLog: TestDirtyLog;
  readonly events: string[] = [];
  readonly models: ModelledDevice[] = [];
  readonly control = this;
  readonly #entries: DeviceEntry[] = [];
  readonly #vcpus: number;
  readonly #random: () => number;
  #before = '';
  runState: string;
  /** What the guest's own register says: how many writes it made. */
  writes = 0;
  /** RAM as it was when the guest arrived, before anything ran. */
  arrived: Buffer | undefined;
  /** Whether a guest that arrives may run. */
  autostart = true;

  constructor(options: TestMachineOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.ram = new TestRam(options.ram ?? [64 * PAGE, 33 * PAGE]);
    this.dirtyLog = new TestDirtyLog(this.ram.size / PAGE);
    this.runState = options.runState ?? 'running';
    this.#vcpus = options.vcpus ?? 2;
    this.#random = seededRandom(options.seed ?? 7);
    for (const device of options.devices ?? []) this.#add(device);
  }

  get running(): boolean {
    return this.runState === 'running';
  }

  devices(): readonly DeviceEntry[] {
    return this.#entries;
  }

  sections(): readonly StateSection[] {
    return [
      {
        name: 'cpu/0',
        version: 1,
        save: () => Buffer.from(String(this.writes)),
        load: (state) => {
          this.writes = Number(Buffer.from(state).toString());
          if (!Number.isInteger(this.writes)) throw new Error('not a number');
        },
      },
      { name: 'rtc', version: 1, save: () => new Uint8Array(0), load: () => {} },
    ];
  }

  configuration(): Readonly<Record<string, string>> {
    return { vCPUs: String(this.#vcpus) };
  }

  /** The guest writes one page; it has to run for that. */
  writePage(page = Math.floor(this.#random() * (this.ram.size / PAGE))): void {
    if (!this.running) throw new Error('a stopped guest cannot write');
    this.fillPage(page, ++this.writes);
    this.dirtyLog.mark(page);
  }

  fillPage(page: number, value: number): void {
    const bytes = new Uint8Array(new Uint32Array(PAGE / 4).fill(value * 2654435761 + page).buffer);
    this.ram.write(page * PAGE, bytes);
  }

  /** Random contents for every page. */
  randomize(): void {
    for (let page = 0; page < this.ram.size / PAGE; page++)
      this.fillPage(page, 1 + Math.floor(this.#random() * 1e6));
  }

  contents(): Buffer {
    return Buffer.concat(this.ram.segments.map(({ bytes }) => bytes));
  }

  async stop(): Promise<void> {
    this.runState = 'paused';
    await stopDevices(this.#entries);
    this.events.push('STOP');
  }

  async cont(): Promise<void> {
    this.events.push('RESUME');
    await startDevices(this.#entries);
    this.runState = 'running';
  }

  async stopForSwitchover(): Promise<void> {
    this.#before = this.runState;
    if (this.#before !== 'running') {
      this.runState = 'finish-migrate';
      return;
    }
    // The guest writes until the very moment it is stopped.
    this.writePage();
    this.runState = 'finish-migrate';
    const failures = await stopDevices(this.#entries);
    this.events.push('STOP');
    if (failures[0] !== undefined)
      throw new Error(`device '${failures[0].entry.name}': ${failures[0].error.message}`);
  }

  async resumeAfterFailure(): Promise<void> {
    if (this.#before === 'running') await this.cont();
    else this.runState = this.#before;
  }

  handOver(): void {
    this.runState = 'postmigrate';
  }

  async takeOver(sourceRunState: string): Promise<void> {
    this.arrived = this.contents();
    if (sourceRunState === 'running' && this.autostart) await this.cont();
    else this.runState = 'paused';
  }

  loadedWithoutGo(): void {
    this.arrived = this.contents();
    this.runState = 'paused';
  }

  close(): void {
    for (const model of this.models) model.close();
  }

  #add({ id, model, properties = {}, multifdTransfer = 'auto' }: TestDevice): void {
    const small: Record<string, PropertyValue> = { 'state-size': 16 * 4096 };
    if (model === 'gpu') small['aperture-size'] = 4096;
    if (model === 'block') small.capacity = 8192;
    const device = createModel(
      model,
      { ...small, ...properties },
      { clock: this.clock, memory: this.ram, random: this.#random },
    );
    this.models.push(device);
    const several = () => this.models.length > 1;
    this.#entries.push({
      id,
      qomPath: `/machine/peripheral/${id}`,
      name: id,
      compatible: model,
      multifdTransfer,
      device,
      controller: new DeviceController(device, this.clock, {
        onState: (state) => this.events.push(several() ? `${id}:${stateName(state)}` : stateName(state)),
      }),
    });
  }
}
