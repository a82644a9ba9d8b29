import { QapiError } from '@godwit/qapi/runtime';
import { FdSets, type Monitor, type MonitorOptions, QmpServer } from '@godwit/qmp';
import { CharacterDevices } from './chardev/index.js';
import { createDispatcher } from './commands/dispatcher.js';
import { descriptorOperations } from './descriptor-operations.js';
import { type Emit, emitterTo } from './events.js';
import type { ShutdownCause } from './generated/index.js';
import { Hardware } from './hardware.js';
import type { DumpFormat } from './human-monitor/dump-format.js';
import type { InteractiveMonitor } from './human-monitor/interactive-monitor.js';
import { addInheritedDescriptor } from './inherited-descriptors.js';
import type { MachineEnvironment } from './machine-environment.js';
import { Migrations } from './migration/migrations.js';
import { UserObjects } from './objects/index.js';
import type { MonitorConfiguration } from './options/character-devices.js';
import { inOption, inOptionAsync } from './options/command-line.js';
import type { MachineActions, MachineConfiguration } from './options/configuration.js';
import { addGuestObject } from './qom/guest-object.js';
import { MachineTree } from './qom/machine-tree.js';
import { GuestControl } from './run-state/guest-control.js';
import { Snapshots } from './snapshots/snapshots.js';
import type { VncServers } from './vnc/index.js';

/** Who ends a machine for these reasons means its process. */
const FINAL_REASONS: readonly ShutdownCause[] = ['host-qmp-quit', 'host-signal', 'host-ui'];

/** Why a machine ended, and what its process returns. */
export interface MachineEnd {
  readonly reason: ShutdownCause;
  readonly exitCode: number;
}

/**
 * A machine: what is built from a configuration, managed through monitors, and migrated. It owns everything that it is
 * made of; {@link close} gives all of it back. Several can live in one process.
 */
export class Machine {
  readonly configuration: MachineConfiguration;
  readonly environment: MachineEnvironment;
  readonly qmp: QmpServer;
  readonly emit: Emit;
  readonly tree: MachineTree;
  readonly guest: GuestControl;
  readonly chardevs: CharacterDevices;
  readonly objects: UserObjects;
  readonly fdSets: FdSets;
  readonly migrations: Migrations;
  readonly snapshots: Snapshots;
  /** Resolves when the machine is to end: `quit`, a signal, a power-down. It still has to be closed. */
  readonly ended: Promise<MachineEnd>;
  #end: (end: MachineEnd) => void = () => {};
  #ending = false;
  #hardware: Hardware | undefined;
  #vnc: VncServers | undefined;
  #leavingPreconfig = false;
  #actions: MachineActions;
  readonly #humanMonitors: InteractiveMonitor[] = [];
  /** How the human monitors print numbers where a command does not say: as the last one did. */
  readonly dumpDefaults: { last: DumpFormat } = { last: { count: 1, format: 'x', size: 4 } };
  #closed: Promise<void> | undefined;

  /**
   * Builds a machine. With -preconfig it is built only when `x-exit-preconfig` says so.
   * @throws OptionError or QapiError for what cannot be built; nothing is left then
   */
  static async create(
    configuration: MachineConfiguration,
    environment: MachineEnvironment,
  ): Promise<Machine> {
    const machine = new Machine(configuration, environment);
    try {
      for (const { source, ...descriptor } of configuration.descriptorSets) {
        inOption(source, () => addInheritedDescriptor(machine.fdSets, descriptor));
      }
      // Character devices name objects: TLS credentials.
      for (const object of configuration.objects) await optionally(object, () => machine.objects.add(object));
      for (const chardev of configuration.chardevs) {
        await optionally(chardev, () => machine.chardevs.add(chardev));
      }
      if (!configuration.preconfig) await machine.#build();
      return machine;
    } catch (error) {
      await machine.close();
      throw error;
    }
  }

  private constructor(configuration: MachineConfiguration, environment: MachineEnvironment) {
    this.configuration = configuration;
    this.environment = environment;
    this.#actions = configuration.actions;
    this.qmp = new QmpServer({ clock: environment.clock, dispatcher: createDispatcher(this) });
    this.emit = emitterTo(this.qmp.events);
    this.tree = new MachineTree();
    this.fdSets = new FdSets(descriptorOperations(environment.native));
    this.objects = new UserObjects(this.tree.objects, environment, this);
    this.chardevs = new CharacterDevices(this.tree.chardevs, {
      ...environment,
      fdSets: this.fdSets,
      objects: this.objects,
      onExit: (exitCode) => this.end({ reason: 'host-ui', exitCode }),
      onInterrupt: () => void this.shutdown('host-signal'),
    });
    this.guest = new GuestControl({
      emit: this.emit,
      initial: configuration.incoming !== undefined ? 'inmigrate' : 'prelaunch',
      autostart: !configuration.startStopped,
      devices: () => this.#hardware?.movingEntries() ?? [],
      onDeviceFailure: environment.warn,
    });
    this.migrations = new Migrations(this);
    this.snapshots = new Snapshots(this);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Before it is built only some commands are allowed. */
  get phase(): 'preconfig' | 'ready' {
    return this.#hardware === undefined ? 'preconfig' : 'ready';
  }

  /** @throws QapiError before the machine is built */
  get hardware(): Hardware {
    if (this.#hardware === undefined)
      throw new QapiError('GenericError', 'The machine is not initialized yet');
    return this.#hardware;
  }

  /** Absent when none was asked for, or the machine is not built yet. */
  get vnc(): VncServers | undefined {
    return this.#vnc;
  }

  /** A monitor, for a client of this process or a chardev to be attached to. */
  addMonitor(options: MonitorOptions): Monitor {
    return this.qmp.addMonitor(options);
  }

  /**
   * Attaches monitors to their character devices, all of them before a client of one is answered.
   * @throws QapiError or Error when a device is not there, or in use
   */
  async openMonitors(...monitors: readonly MonitorConfiguration[]): Promise<void> {
    const forPeople = monitors.some(({ mode }) => mode === 'readline')
      ? await import('./human-monitor/interactive-monitor.js')
      : undefined;
    for (const { source, chardev, mode, pretty } of monitors) {
      const attach = () => {
        const device = this.chardevs.find(chardev);
        if (forPeople === undefined || mode === 'control') {
          device.use(this.addMonitor({ label: chardev, pretty }));
          return;
        }
        const monitor = new forPeople.InteractiveMonitor(chardev, this);
        this.#humanMonitors.push(monitor);
        device.use(monitor);
      };
      if (source === undefined) attach();
      else inOption(source, attach);
    }
  }

  /** Starts a guest that is not told to wait. Rejects when its vCPUs do not come up. */
  async launch(): Promise<void> {
    // A signal may have ended it already.
    if (this.phase === 'preconfig' || this.#ending) return;
    const { incoming, snapshot } = this.configuration;
    if (snapshot !== undefined) await this.snapshots.load(snapshot);
    if (incoming !== undefined && incoming !== 'defer') {
      await inOptionAsync(`-incoming ${incoming}`, () => this.migrations.listen({ uri: incoming }));
    } else if (incoming === undefined && this.guest.autostart) {
      await (snapshot === undefined ? this.guest.powerOn() : this.guest.start());
    }
    await this.hardware.accelerator.up;
  }

  /** Ends the preconfig phase. */
  async exitPreconfig(): Promise<void> {
    if (this.phase !== 'preconfig' || this.#leavingPreconfig) {
      throw new QapiError('GenericError', 'The command is permitted only before machine initialization');
    }
    this.#leavingPreconfig = true;
    try {
      await this.#build();
    } finally {
      this.#leavingPreconfig = false;
    }
    await this.launch();
  }

  /** Presses the power button, which the guest heeds if it listens. */
  powerDown(): void {
    this.emit('POWERDOWN');
    this.hardware.power.press();
  }

  async reset(reason: ShutdownCause): Promise<void> {
    if (this.#actions.reboot === 'shutdown') return this.shutdown(reason);
    await this.guest.reset(async () => {
      await this.hardware.reset(this.guest.running);
      this.emit('RESET', { guest: reason === 'guest-reset', reason });
    });
  }

  /** What the machine does from now on when the guest reboots, or is shut down. */
  setActions(actions: MachineActions): void {
    this.#actions = { ...this.#actions, ...actions };
  }

  /** Reports SHUTDOWN, then ends the machine, unless it is told to stay; who asked for the very end always gets it. */
  async shutdown(reason: ShutdownCause, exitCode = 0): Promise<void> {
    if (this.#ending) return;
    this.emit('SHUTDOWN', { guest: reason.startsWith('guest-'), reason });
    const stays = this.#actions.shutdown === 'pause' && !FINAL_REASONS.includes(reason);
    if (stays) return this.guest.stop('shutdown');
    this.#ending = true;
    // The reply of a command that asked for it goes out first.
    setImmediate(() => this.end({ reason, exitCode }));
  }

  /** The last device that was exported is not any more: a machine that is there for that alone ends. */
  vfioUserServerRemoved(): void {
    if (this.configuration.autoShutdown && !this.objects.exportsDevices) void this.shutdown('guest-shutdown');
  }

  /** Ends the machine without a word to its clients. */
  end(end: MachineEnd): void {
    this.#ending = true;
    this.#end(end);
  }

  /** Gives everything back: threads, memory, sockets and their files. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#closeAll();
    return this.#closed;
  }

  async #build(): Promise<void> {
    const { configuration, environment, tree, emit } = this;
    const hardware = await Hardware.create({
      configuration,
      environment,
      tree,
      emit,
      deliverEvents: () => this.qmp.deliver(),
      onPowerOff: () => void this.shutdown('guest-shutdown'),
      serialOutput: (bytes) => this.chardevs.serialOutput(bytes),
    });
    this.#hardware = hardware;
    this.guest.attach(hardware.accelerator);
    addGuestObject(tree.machine, hardware);
    const waiting = configuration.incoming !== undefined;
    for (const device of configuration.devices) {
      await optionally(device, () => hardware.addDevice(device, waiting));
    }
    await this.objects.realizeWaiting();
    this.chardevs.connectSerial(configuration.serials[0], hardware.serial);
    if (configuration.vnc.length > 0) {
      const { VncServers } = await import('./vnc/index.js');
      this.#vnc = await VncServers.open(configuration.vnc, this);
    }
  }

  async #closeAll(): Promise<void> {
    await this.migrations.close();
    this.qmp.close();
    for (const monitor of this.#humanMonitors) monitor.close();
    await this.#vnc?.close();
    await this.chardevs.close();
    await this.objects.close();
    await this.#hardware?.close();
    this.fdSets.closeAll();
  }
}

/** Runs a step for something that an option may have asked for; its error begins with that option. */
function optionally<T>({ source }: { readonly source?: string }, step: () => Promise<T>): Promise<T> {
  return source === undefined ? step() : inOptionAsync(source, step);
}
