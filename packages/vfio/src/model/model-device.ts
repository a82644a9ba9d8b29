import type { Timer } from '@godwit/clock';
import type { DeviceRegion, PrecopyInfo, ReadResult } from '../device.js';
import { DmaLogger } from '../dma-logger.js';
import { VfioError } from '../error.js';
import type { MigrationFlags } from '../flags.js';
import { DeviceState, stateName } from '../states.js';
import { RECORD_OVERHEAD, type StreamIdentity } from '../stream/record.js';
import { ResumingStream } from '../stream/resuming-stream.js';
import { SavingStream } from '../stream/saving-stream.js';
import { arcName, isPreCopy, pathTo, streamEffect } from '../transitions.js';
import { latencyProperty } from './common-properties.js';
import {
  COMMON_REGISTERS,
  type CommonRegister,
  Control,
  DEVICE_MAGIC,
  InterruptCause,
} from './common-registers.js';
import type { ModelDefinition, ModelLogic } from './definition.js';
import { BLOCK_SIZE, DeviceMemory, type Verification } from './device-memory.js';
import { DmaPort } from './dma-port.js';
import { DmaWindow } from './dma-window.js';
import { Faults, StreamFaults } from './faults.js';
import type { ModelEnvironment, ModelledDevice } from './modelled-device.js';
import { Pace } from './pace.js';
import type { Properties } from './property.js';
import { RegisterImage } from './register-image.js';
import { REGISTER_REGION_SIZE, Registers } from './registers.js';
import { Transition } from './transition.js';

/** How often a running device rewrites its memory and does its steady DMA, in milliseconds. */
const TICK = 10;

/** What a device may do by itself. In the P2P states it runs but initiates no DMA (it cannot tell peers from memory). */
interface Activity {
  readonly runs: boolean;
  readonly dma: boolean;
}
const STOPPED: Activity = { runs: false, dma: false };
const QUIESCENT: Activity = { runs: true, dma: false };
const ACTIVE: Activity = { runs: true, dma: true };

const ACTIVITY: Readonly<Record<DeviceState, Activity>> = {
  [DeviceState.ERROR]: STOPPED,
  [DeviceState.STOP]: STOPPED,
  [DeviceState.RUNNING]: ACTIVE,
  [DeviceState.STOP_COPY]: STOPPED,
  [DeviceState.RESUMING]: STOPPED,
  [DeviceState.RUNNING_P2P]: QUIESCENT,
  [DeviceState.PRE_COPY]: ACTIVE,
  [DeviceState.PRE_COPY_P2P]: QUIESCENT,
};

/** A migratable device of one of the models: the state machine and the data stream around a model's registers and memory. */
export class ModelDevice implements ModelledDevice {
  readonly model: string;
  readonly flags: MigrationFlags;
  readonly properties: Properties;
  readonly compatible: string;
  readonly migratable: boolean;
  readonly carriesConfig = false;
  readonly pci: ModelDefinition['pci'];
  readonly regions: readonly DeviceRegion[];
  readonly faults: Faults;
  readonly dmaLogging = new DmaLogger();
  readonly #environment: ModelEnvironment;
  readonly #registers: Registers<CommonRegister>;
  readonly #memory: DeviceMemory;
  readonly #image: RegisterImage;
  readonly #dma: DmaPort;
  readonly #window: DmaWindow;
  readonly #logic: ModelLogic;
  readonly #identity: StreamIdentity;
  readonly #dirtyPace: Pace;
  readonly #dmaPace: Pace;
  #state: DeviceState = DeviceState.RUNNING;
  #closed = false;
  /** The transition under way, until it arrives, fails or is cut short by a reset. */
  #transition: Transition | undefined;
  #saving: SavingStream | undefined;
  #resuming: ResumingStream | undefined;
  #streamFaults = new StreamFaults(undefined);
  #reinitialised = false;
  #tick: Timer | undefined;
  #lastTick = 0;
  #reinit: Timer | undefined;

  constructor(definition: ModelDefinition, properties: Properties, environment: ModelEnvironment) {
    this.model = definition.name;
    this.flags = { p2p: properties.isOn('p2p'), preCopy: properties.isOn('pre-copy') };
    this.properties = properties;
    this.migratable = properties.isOn('migration');
    this.pci = definition.pci;
    this.faults = Faults.of(properties);
    this.#environment = environment;
    const size = properties.number('state-size');
    const registers = new Registers<string>({ ...COMMON_REGISTERS, ...definition.registers });
    this.#registers = registers;
    this.#memory = new DeviceMemory(size, definition.guestMemory(properties), this.#newSeed());
    this.#image = new RegisterImage(registers, this.#memory);
    this.#memory.onWrite = (block) => this.#saving?.mark(block);
    this.#dma = new DmaPort(environment.memory, this.dmaLogging, () => this.#registers.add('DMA_FAULTS', 1));
    this.#window = new DmaWindow(this.#registers, this.#dma);
    this.#logic = definition.create({
      registers,
      memory: this.#memory,
      dma: this.#dma,
      properties,
      regenerate: () => this.#regenerate(),
    });
    this.#identity = { model: definition.name, blockSize: BLOCK_SIZE, blocks: this.#memory.blocks };
    this.compatible = `${definition.name},state-size=${size}`;
    this.#dirtyPace = new Pace(properties.number('dirty-rate') / BLOCK_SIZE);
    this.#dmaPace = new Pace(properties.number('dma-rate') / BLOCK_SIZE);
    const bar0: DeviceRegion = {
      name: 'bar0',
      size: REGISTER_REGION_SIZE,
      read: (offset, into) => this.#registers.guestRead(offset, into),
      write: (offset, from) => this.#guestWrite(offset, from),
    };
    this.regions = [bar0, ...(this.#logic.regions ?? []).map((region) => this.#guarded(region))];
    this.#resetRegisters();
    this.#enter(DeviceState.RUNNING);
  }

  get state(): DeviceState {
    return this.#state;
  }

  async setState(wanted: DeviceState): Promise<void> {
    this.#checkAlive();
    if (!this.migratable) throw new VfioError('ENOTTY', 'the device does not support migration');
    if (this.#transition !== undefined) {
      throw new VfioError('EBUSY', `already on the way to ${stateName(this.#transition.wanted)}`);
    }
    const path = pathTo(this.#state, wanted, this.flags);
    const transition = new Transition(wanted);
    this.#transition = transition;
    try {
      for (const next of path) {
        await transition.wait(this.#environment.clock, this.#latency(next));
        transition.check();
        this.#walk(next);
      }
    } finally {
      if (this.#transition === transition) this.#transition = undefined;
    }
  }

  async readData(into: Uint8Array): Promise<ReadResult> {
    this.#checkAlive();
    const saving = this.#saving;
    if (saving === undefined) {
      throw new VfioError('EINVAL', `no data can be read in state ${stateName(this.#state)}`);
    }
    if (into.length === 0) throw new VfioError('EINVAL', 'data cannot be read into an empty buffer');
    const length = saving.read(into.subarray(0, this.#streamFaults.allow(into.length)));
    if (length > 0) {
      this.#streamFaults.passed(into.subarray(0, length));
      return { kind: 'data', length };
    }
    return { kind: saving.ended ? 'end' : 'empty' };
  }

  async writeData(from: Uint8Array): Promise<void> {
    this.#checkAlive();
    const resuming = this.#resuming;
    if (resuming === undefined) {
      throw new VfioError('EINVAL', `no data can be written in state ${stateName(this.#state)}`);
    }
    for (let at = 0; at < from.length; ) {
      const length = this.#streamFaults.allow(from.length - at);
      const piece = from.subarray(at, at + length);
      resuming.write(piece);
      this.#streamFaults.passed(piece);
      at += length;
    }
  }

  async precopyInfo(): Promise<PrecopyInfo> {
    this.#checkAlive();
    if (!isPreCopy(this.#state) || this.#saving === undefined) {
      throw new VfioError('EINVAL', `no pre-copy information in state ${stateName(this.#state)}`);
    }
    const reinit = this.#reinitialised;
    this.#reinitialised = false;
    return { initialBytes: this.#saving.initialBytes, dirtyBytes: this.#saving.dirtyBytes, reinit };
  }

  async dataSize(): Promise<number> {
    this.#checkAlive();
    const tail = this.#image.size + 2 * RECORD_OVERHEAD;
    if (this.#saving === undefined) return this.#memory.bytes.length + tail;
    if (this.#saving.ended) return 0;
    return this.#saving.initialBytes + this.#saving.dirtyBytes + tail;
  }

  async reset(): Promise<void> {
    this.#checkAlive();
    this.#transition?.cut(new VfioError('ECANCELED', 'the device was reset'));
    this.#transition = undefined;
    this.#enter(DeviceState.STOP);
    this.#dropStreams();
    this.#memory.reset(this.#newSeed());
    this.#resetRegisters();
    this.#enter(DeviceState.RUNNING);
  }

  close(): void {
    if (this.#closed) return;
    this.#transition?.cut(new VfioError('ENODEV', 'the device was closed'));
    this.#transition = undefined;
    this.#enter(DeviceState.STOP);
    this.#dropStreams();
    this.dmaLogging.clear();
    this.#closed = true;
  }

  verify(): Verification {
    return this.#memory.verify();
  }

  /** One arc, latency over: it fails, or the device is in `to` with its streams opened, kept or ended. */
  #walk(to: DeviceState): void {
    const from = this.#state;
    const fault = this.faults.takeArc(from, to);
    if (fault !== undefined) {
      if (fault.killsStream)
        this.#streamFaults.kill(`the data stream died with the transition ${arcName(from, to)}`);
      if (fault.leaves === 'error') this.#fail();
      throw new VfioError('EIO', `the transition ${arcName(from, to)} failed`);
    }
    switch (streamEffect(from, to)) {
      case 'open-saving':
        this.#openSaving(to);
        break;
      case 'open-resuming':
        this.#resuming = new ResumingStream(this.#memory.bytes, this.#identity, this.#image.size);
        this.#streamFaults = new StreamFaults(this.faults.failWriteAt);
        break;
      case 'end':
        if (from === DeviceState.RESUMING) this.#load();
        this.#dropStreams();
        break;
    }
    this.#enter(to);
    if (to === DeviceState.STOP_COPY) this.#saving?.finish(this.#image.save());
  }

  #openSaving(to: DeviceState): void {
    this.#saving = new SavingStream(this.#memory.bytes, this.#identity);
    this.#streamFaults = new StreamFaults(this.faults.failReadAt, this.faults.corruptAt);
    this.#reinitialised = false;
    const reinitAfter = this.properties.number('reinit-after');
    if (reinitAfter > 0 && isPreCopy(to)) {
      this.#reinit = this.#environment.clock.setTimer(() => this.#regenerate(), reinitAfter);
    }
  }

  /** Takes over what the resuming stream brought. The memory may hold half a state when that fails: only a reset helps then. */
  #load(): void {
    try {
      this.#streamFaults.allow(1);
      this.#image.load(this.#resuming!.finish());
    } catch (error) {
      this.#fail();
      throw error;
    }
  }

  #fail(): void {
    this.#dropStreams();
    this.#enter(DeviceState.ERROR);
  }

  #dropStreams(): void {
    this.#saving = undefined;
    this.#resuming = undefined;
    this.#reinit?.cancel();
    this.#reinit = undefined;
  }

  #enter(state: DeviceState): void {
    const before = ACTIVITY[this.#state];
    const activity = ACTIVITY[state];
    this.#state = state;
    this.#dma.setOpen(activity.dma);
    if (!activity.runs) {
      this.#tick?.cancel();
      this.#tick = undefined;
      if (state === DeviceState.STOP_COPY) {
        this.#reinit?.cancel();
        this.#reinit = undefined;
      }
    } else if (this.#tick === undefined && (this.#dirtyPace.moves || this.#dmaPace.moves)) {
      this.#lastTick = this.#environment.clock.now();
      this.#scheduleTick();
    }
    if (!activity.dma || before.dma) return;
    this.#work();
    // What was raised before may have been lost with the machine that the device was in.
    this.#interrupt(0);
  }

  /** Does what the guest has asked for; DMA is open. */
  #work(): void {
    if (this.#registers.get('DOORBELL') !== 0) {
      this.#window.advance(1);
      this.#registers.set('DOORBELL', 0);
      this.#interrupt(InterruptCause.DOORBELL);
    }
    if (this.#logic.work()) this.#interrupt(InterruptCause.WORK);
  }

  /** Adds `cause` to those that wait, and raises the interrupt where one of them is enabled; DMA is open. */
  #interrupt(cause: number): void {
    const causes = this.#registers.get('INTERRUPT_STATUS') | cause;
    this.#registers.set('INTERRUPT_STATUS', causes);
    if ((causes & this.#registers.get('INTERRUPT_ENABLE')) !== 0) this.#environment.interrupt?.();
  }

  #scheduleTick(): void {
    this.#tick = this.#environment.clock.setTimer(() => {
      const now = this.#environment.clock.now();
      this.#run(now - this.#lastTick);
      this.#lastTick = now;
      this.#scheduleTick();
    }, TICK);
  }

  /** What a running device does by itself in `elapsed` milliseconds. */
  #run(elapsed: number): void {
    const own = this.#memory.ownBlocks;
    const rewrites = Math.min(this.#dirtyPace.steps(elapsed), own);
    for (let count = 0; count < rewrites; count++) {
      this.#memory.advance(Math.floor(this.#environment.random() * own));
    }
    this.#registers.add('MUTATIONS', rewrites);
    if (this.#dma.isOpen) this.#window.advance(this.#dmaPace.steps(elapsed));
  }

  #regenerate(): void {
    this.#memory.regenerate(this.#newSeed());
    if (this.#saving !== undefined) {
      this.#saving.restart();
      this.#reinitialised = true;
    }
  }

  #guestWrite(offset: number, from: Uint8Array): void {
    this.#checkResponsive('bar0');
    const written = this.#registers.guestWrite(offset, from);
    if (written.includes('CONTROL') && (this.#registers.get('CONTROL') & Control.VERIFY) !== 0) {
      const { blocks, errors } = this.#memory.verify();
      this.#registers.set('VERIFIED', blocks);
      this.#registers.set('ERRORS', errors);
      this.#registers.add('CHECKS', 1);
      this.#registers.set('CONTROL', 0);
    }
    if (written.includes('INTERRUPT_ACKNOWLEDGE')) {
      const left = this.#registers.get('INTERRUPT_STATUS') & ~this.#registers.get('INTERRUPT_ACKNOWLEDGE');
      this.#registers.set('INTERRUPT_STATUS', left);
      this.#registers.set('INTERRUPT_ACKNOWLEDGE', 0);
    }
    if (!this.#dma.isOpen) return;
    if (written.includes('INTERRUPT_ENABLE')) this.#interrupt(0);
    this.#work();
  }

  #guarded(region: DeviceRegion): DeviceRegion {
    return {
      name: region.name,
      size: region.size,
      read: (offset, into) => region.read(offset, into),
      write: (offset, from) => {
        this.#checkResponsive(region.name);
        region.write(offset, from);
      },
    };
  }

  /** A stopped device must not change, whoever writes to it. */
  #checkResponsive(region: string): void {
    this.#checkAlive();
    if (!ACTIVITY[this.#state].runs) {
      throw new VfioError('EBUSY', `${region} cannot be written in state ${stateName(this.#state)}`);
    }
  }

  #checkAlive(): void {
    if (this.#closed) throw new VfioError('ENODEV', 'the device is closed');
  }

  #latency(to: DeviceState): number {
    const own = this.properties.number(latencyProperty(this.#state, to));
    return own >= 0 ? own : this.properties.number('latency');
  }

  #newSeed(): number {
    return Math.floor(this.#environment.random() * 2 ** 32);
  }

  #resetRegisters(): void {
    this.#registers.clear();
    this.#registers.set('MAGIC', DEVICE_MAGIC);
    this.#registers.setWide('DMA_BASE_LOW', this.properties.number('dma-address'));
    this.#registers.set('DMA_LENGTH', this.properties.number('dma-size'));
    this.#logic.reset?.();
  }
}
