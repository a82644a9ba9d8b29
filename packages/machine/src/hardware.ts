import {
  blockerText,
  type DeviceEntry,
  hasMigration,
  type MachinePort,
  migrationBlockers,
  type StateSection,
} from '@godwit/migration/devices';
import { QapiError } from '@godwit/qapi/runtime';
import { DeviceState } from '@godwit/vfio/contract';
import { ACPI_PORT, ACPI_PORTS, PowerManagement } from './acpi/index.js';
import { consoleBanner } from './console/banner.js';
import { GuestTerminal } from './console/guest-terminal.js';
import { Keyboard } from './console/keyboard.js';
import {
  type Borrower,
  type DeviceEnvironment,
  DeviceSlot,
  findDriver,
  type VfioDevice,
} from './devices/index.js';
import type { DeliverEvents, Emit } from './events.js';
import { type Accelerator, type Audit, type DeviceAudit, Sim } from './guest/index.js';
import type { MachineEnvironment } from './machine-environment.js';
import { Bus, DmaView, GuestMemory } from './memory/index.js';
import type { MachineConfiguration, ObjectConfiguration } from './options/configuration.js';
import type { MachineTree } from './qom/machine-tree.js';
import { QomObject } from './qom/object.js';
import { Mc146818, RTC_PORT, RTC_PORTS, RtcReference, rtcObject, showDate } from './rtc/index.js';
import { SERIAL_PORT, SERIAL_PORTS, Serial16550 } from './serial/index.js';

export interface HardwareOptions {
  readonly configuration: MachineConfiguration;
  readonly environment: MachineEnvironment;
  readonly tree: MachineTree;
  readonly emit: Emit;
  readonly deliverEvents: DeliverEvents;
  /** Takes what the guest sends over COM1. */
  readonly serialOutput: (bytes: Uint8Array) => void;
  /** The guest has switched itself off. */
  readonly onPowerOff: () => void;
}

/** What a machine is made of: RAM, buses, vCPUs, clock, serial port and devices. It does not exist before preconfig ends. */
export class Hardware {
  readonly memory: GuestMemory;
  readonly bus: Bus;
  /** Guest RAM by address. */
  readonly dma: DmaView;
  readonly accelerator: Accelerator;
  readonly rtc: Mc146818;
  readonly serial: Serial16550;
  readonly power: PowerManagement;
  readonly terminal: GuestTerminal;
  /** At the terminal, beside those of its viewers. */
  readonly keyboard: Keyboard;
  readonly #options: HardwareOptions;
  readonly #deviceEnvironment: DeviceEnvironment;
  readonly #slots: DeviceSlot[] = [];
  #blockers: readonly string[] = [];

  /** @throws when there is not enough memory, or a property of the accelerator is wrong */
  static async create(options: HardwareOptions): Promise<Hardware> {
    const { configuration, environment } = options;
    const bus = new Bus();
    const memory = new GuestMemory({ size: configuration.memory, native: environment.native });
    try {
      const accelerator = new Sim({
        ...configuration.accelerator,
        memory,
        bus,
        clock: environment.clock,
        vcpus: configuration.topology.cpus,
        threads: environment.threads,
        onFailure: (error) => environment.warn(`a vCPU failed: ${error.message}`),
      });
      return new Hardware(options, memory, bus, accelerator);
    } catch (error) {
      memory.close();
      throw error;
    }
  }

  private constructor(options: HardwareOptions, memory: GuestMemory, bus: Bus, accelerator: Accelerator) {
    const { configuration, environment, tree, emit, deliverEvents, serialOutput, onPowerOff } = options;
    const { clock, random } = environment;
    this.#options = options;
    this.memory = memory;
    this.bus = bus;
    this.accelerator = accelerator;
    this.dma = new DmaView(memory);
    this.#deviceEnvironment = {
      clock,
      random,
      ram: memory,
      native: environment.native,
      emit,
      deliverEvents,
      trace: environment.warn,
      warn: environment.warn,
    };
    for (const cpu of accelerator.vcpus) {
      const object = new QomObject('sim-cpu');
      object.addProperty('thread-id', { type: 'int', get: () => cpu.threadId });
      tree.addUnattached(object);
    }
    const clockObject = rtcObject(configuration.rtc.lostTickPolicy);
    tree.addUnattached(clockObject);
    this.rtc = new Mc146818({
      reference: new RtcReference({
        clock,
        base: configuration.rtc.base,
        drivenBy: configuration.rtc.drivenBy,
        virtualNow: () => accelerator.ranMs,
      }),
      onChange: (offset) => emit('RTC_CHANGE', { offset: BigInt(offset), 'qom-path': clockObject.path }),
    });
    showDate(this.rtc, clockObject, tree.machine);
    bus.attach('port', RTC_PORT, RTC_PORTS, this.rtc, 'rtc');
    this.serial = new Serial16550({
      transmit: (bytes) => {
        serialOutput(bytes);
        this.terminal.output(bytes);
      },
      onReceive: () => accelerator.attendSerial(),
    });
    bus.attach('port', SERIAL_PORT, SERIAL_PORTS, this.serial, 'serial0');
    tree.addUnattached(new QomObject('isa-serial'));
    this.power = new PowerManagement({ onPress: () => accelerator.attendPower(), onPowerOff });
    bus.attach('port', ACPI_PORT, ACPI_PORTS, this.power, 'acpi');
    this.terminal = new GuestTerminal({ clock, serial: this.serial, banner: consoleBanner(configuration) });
    this.keyboard = new Keyboard((bytes) => this.terminal.type(bytes));
  }

  get devices(): readonly VfioDevice[] {
    return this.#slots.map(({ device }) => device);
  }

  /** The VFIO devices as a migration sees them, in the order of their registration. */
  entries(): readonly DeviceEntry[] {
    return this.#slots.map(({ device }) => device.entry);
  }

  /** Those of them that are stopped and started with the guest. */
  movingEntries(): readonly DeviceEntry[] {
    return this.entries().filter(hasMigration);
  }

  /** Why the machine cannot be migrated, in the order in which it came to that. */
  get blockers(): readonly string[] {
    this.#updateBlockers();
    return this.#blockers;
  }

  /**
   * Adds a device.
   * @param waiting it is not to run before a migration has arrived
   * @param admit called when the driver is known, and again when nothing else keeps the device out; throws where something does
   * @throws when the driver or a property is not known, the name is taken, or it is to migrate and cannot
   */
  async addDevice(
    configuration: ObjectConfiguration,
    waiting: boolean,
    admit: () => void = () => {},
  ): Promise<VfioDevice> {
    const driver = await findDriver(configuration.type);
    admit();
    const device = await driver.create(configuration, this.#deviceEnvironment);
    const slot = new DeviceSlot(device, {
      bus: this.bus,
      memory: this.dma,
      interrupt: (address) => this.accelerator.interrupt(address),
    });
    try {
      this.#options.tree.addDevice(device, configuration.id);
      slot.plug();
      if (waiting && hasMigration(device.entry)) await device.device.setState(DeviceState.STOP);
      if (device.mustMigrate) this.#refuseBlockers(device);
      admit();
    } catch (error) {
      slot.unplug();
      device.unparent();
      device.close();
      throw error;
    }
    this.#slots.push(slot);
    this.#announceDevices();
    const { name, dmaTracking, blocker } = device.entry;
    if (blocker === undefined && dmaTracking === 'none') {
      this.#options.environment.warn(`${name}: ${blockerText('no-dirty-tracking')}`);
    }
    return device;
  }

  removeDevice(device: VfioDevice): void {
    const index = this.#slots.findIndex((each) => each.device === device);
    if (index < 0) return;
    const [slot] = this.#slots.splice(index, 1);
    this.#announceDevices();
    slot!.unplug();
    device.unparent();
    device.close();
  }

  /** Takes a device from the guest for another, who connects its memory and interrupt. */
  async lendDevice(device: VfioDevice, borrower: Borrower): Promise<void> {
    this.#slots.find((slot) => slot.device === device)?.unplug();
    this.#announceDevices();
    await device.lend(borrower);
  }

  /** The guest finds the device again, as after power-on. */
  async takeBackDevice(device: VfioDevice, guestRuns: boolean): Promise<void> {
    device.wiring.connect(undefined);
    await device.takeBack(guestRuns);
    this.#slots.find((slot) => slot.device === device)?.plug();
    this.#announceDevices();
  }

  /** What a migration needs to know, and moves. */
  sections(): readonly StateSection[] {
    return [
      ...this.accelerator.sections(),
      this.rtc.section(),
      this.serial.section(),
      ...this.#slots.flatMap(({ device }) => device.sections()),
      this.terminal.section(),
    ];
  }

  get port(): Omit<MachinePort, 'control'> {
    return {
      ram: this.memory,
      dirtyLog: this.accelerator.dirtyLog,
      devices: () => this.entries(),
      sections: () => this.sections(),
      configuration: () => this.accelerator.configuration(),
    };
  }

  /** Puts vCPUs and devices into the state of power-on. The vCPUs are paused; devices of a stopped guest stay stopped. */
  async reset(guestRuns: boolean): Promise<void> {
    this.accelerator.reset();
    this.rtc.reset();
    this.terminal.reset();
    this.power.reset();
    for (const { device } of this.#slots) {
      if (device.borrower !== undefined) continue;
      device.config?.reset();
      try {
        await device.controller.reset(guestRuns);
      } catch (error) {
        // One that has failed stays as it is; the machine is reset all the same.
        if (device.failure === undefined) throw error;
      }
    }
  }

  audit(): Promise<Audit> {
    return this.accelerator.audit();
  }

  auditDevices(): Promise<readonly DeviceAudit[]> {
    return this.accelerator.auditDevices();
  }

  async close(): Promise<void> {
    this.terminal.close();
    const ended = this.accelerator.close();
    // A vCPU may be waiting for one of them.
    for (const { device } of [...this.#slots].reverse()) this.removeDevice(device);
    await ended;
    this.memory.close();
  }

  /** @throws QapiError when a migration would be blocked by the device, or by its being with the others */
  #refuseBlockers(device: VfioDevice): void {
    const blocker = migrationBlockers([...this.entries(), device.entry]).find(
      (text) => !this.blockers.includes(text),
    );
    if (blocker !== undefined) throw new QapiError('GenericError', blocker);
  }

  #announceDevices(): void {
    this.#updateBlockers();
    this.accelerator.setDevices(this.#slots.flatMap(({ window }) => window ?? []));
  }

  /** Drops those that are gone, and adds what has come; a device may have failed at any time. */
  #updateBlockers(): void {
    const blockers = migrationBlockers(this.entries());
    const old = this.#blockers.filter((text) => blockers.includes(text));
    this.#blockers = [...old, ...blockers.filter((text) => !old.includes(text))];
  }
}
