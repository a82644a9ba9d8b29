import type { Clock } from '@godwit/clock';
import {
  type DeviceBlocker,
  DeviceController,
  type DeviceEntry,
  hasMigration,
  type StateSection,
} from '@godwit/migration/devices';
import type { ModelledDevice } from '@godwit/vfio';
import { DeviceState, type MigratableDevice, stateName } from '@godwit/vfio/contract';
import type { DeliverEvents, Emit } from '../events.js';
import type { QapiVfioMigrationState } from '../generated/index.js';
import type { BusHandler } from '../memory/index.js';
import { QomObject } from '../qom/object.js';
import type { VfioDeviceProperties } from './device-properties.js';
import type { DeviceWiring } from './device-wiring.js';

/** A range of registers or memory that the guest reaches; its size is bytes. */
export interface DeviceWindow extends BusHandler {
  readonly name: string;
  readonly size: number;
}

/** The PCI configuration space of a device. */
export interface DeviceConfigWindow extends DeviceWindow {
  /** The machine is reset, and the device after it. */
  reset(): void;
  section(name: string): StateSection;
}

export interface VfioDeviceOptions {
  readonly typeName: string;
  /** The `id=` of the device; undefined without one. */
  readonly id: string | undefined;
  readonly device: MigratableDevice;
  /** Windows that the guest can reach. */
  readonly regions: readonly DeviceWindow[];
  /** What the device reaches memory and raises its interrupt by. */
  readonly wiring: DeviceWiring;
  /** Model and layout of the state, equal on both sides of a migration. */
  readonly compatible: string;
  readonly properties: VfioDeviceProperties;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly deliverEvents: DeliverEvents;
  /** Where the guest reaches it, and the machine saves it unless the device's stream carries it. */
  readonly config?: DeviceConfigWindow;
  readonly configInStream?: boolean;
  /** The device offers no migration ("VFIO migration is not supported in kernel"). */
  readonly unsupported?: boolean;
  /** Why the device works no more; undefined as long as it does. */
  readonly failure?: () => string | undefined;
  /** Gives back what is there beside the device. */
  readonly release?: () => void;
  /** The model that the device is, where it is one: such a device can be lent to another than the guest. */
  readonly model?: ModelledDevice;
}

/** Another object that has a device instead of the guest. */
export interface Borrower {
  readonly type: string;
  readonly id: string;
}

/** A VFIO device in the object tree: it moves the device between its states and reports that to clients. */
export class VfioDevice extends QomObject {
  readonly id: string;
  readonly device: MigratableDevice;
  readonly regions: readonly DeviceWindow[];
  readonly wiring: DeviceWiring;
  readonly compatible: string;
  readonly controller: DeviceController;
  readonly config: DeviceConfigWindow | undefined;
  readonly model: ModelledDevice | undefined;
  readonly #configInStream: boolean;
  readonly #properties: VfioDeviceProperties;
  readonly #emit: Emit;
  readonly #deliverEvents: DeliverEvents;
  readonly #unsupported: boolean;
  readonly #failure: () => string | undefined;
  readonly #release: () => void;
  #borrower: Borrower | undefined;
  #stateWhenLent: DeviceState = DeviceState.RUNNING;

  constructor(options: VfioDeviceOptions) {
    super(options.typeName);
    const { id, device, regions, compatible, properties, clock, emit, deliverEvents, unsupported } = options;
    this.config = options.config;
    this.model = options.model;
    this.#configInStream = options.configInStream ?? false;
    this.id = id ?? '';
    this.device = device;
    this.regions = regions;
    this.wiring = options.wiring;
    this.compatible = compatible;
    this.#properties = properties;
    this.#emit = emit;
    this.#deliverEvents = deliverEvents;
    this.#unsupported = unsupported ?? false;
    this.#failure = options.failure ?? (() => undefined);
    this.#release = options.release ?? (() => {});
    this.controller = new DeviceController(device, clock, {
      onPrepare: (wanted) => this.#announce(wanted),
      onState: (state) => this.#report(nameOf(state)),
    });
    this.addProperty('migration-events', { type: 'bool', get: () => properties.migrationEvents });
    this.addProperty('migration-prepare-events', {
      type: 'bool',
      get: () => properties.migrationPrepareEvents,
    });
    this.addProperty('enable-migration', { type: 'OnOffAuto', get: () => properties.enableMigration });
    this.addProperty('x-device-dirty-page-tracking', {
      type: 'bool',
      get: () => properties.dirtyPageTracking,
    });
    this.addProperty('x-pre-copy-dirty-page-tracking', {
      type: 'bool',
      get: () => properties.preCopyDirtyPageTracking,
    });
    this.addProperty('x-migration-multifd-transfer', {
      type: 'OnOffAuto',
      get: () => properties.multifdTransfer,
    });
    this.addProperty('migration-state', {
      type: 'str',
      description: 'present state of the device',
      get: () => stateName(device.state),
    });
    this.addProperty('failure', {
      type: 'str',
      description: 'why the device works no more; empty as long as it does',
      get: () => this.failure ?? '',
    });
  }

  /** The device as a migration sees it. */
  get entry(): DeviceEntry {
    const blocker = this.#blocker;
    return {
      id: this.id,
      qomPath: this.path,
      name: this.id === '' ? this.path : this.id,
      compatible: this.compatible,
      device: this.device,
      controller: this.controller,
      dmaTracking: this.#dmaTracking,
      multifdTransfer: this.#properties.multifdTransfer,
      ...(blocker === undefined ? {} : { blocker }),
    };
  }

  /** What the machine itself keeps of the device. */
  sections(): readonly StateSection[] {
    if (this.config === undefined || this.#configInStream) return [];
    return [this.config.section(`${this.path}/config`)];
  }

  /** The device may be there only where it can be migrated, and all others with it. */
  get mustMigrate(): boolean {
    return this.#properties.enableMigration === 'on';
  }

  /** The device goes, and what it holds. */
  close(): void {
    this.#release();
    this.device.close();
  }

  /** Why the device works no more; undefined as long as it does. */
  get failure(): string | undefined {
    return this.#failure();
  }

  /** Who has the device instead of the guest. */
  get borrower(): Borrower | undefined {
    return this.#borrower;
  }

  /** Another has the device from now on, as after power-on: the machine leaves it alone, and it tells of no state. */
  async lend(borrower: Borrower): Promise<void> {
    this.#borrower = borrower;
    await this.controller.settled();
    this.#stateWhenLent = this.device.state;
    await this.device.reset();
  }

  /** The device is the guest's again, as after power-on, and runs where the guest does. */
  async takeBack(guestRuns: boolean): Promise<void> {
    await this.device.reset();
    this.config?.reset();
    // Clients know of the state before; what follows is told as a change of that.
    if (this.#stateWhenLent !== DeviceState.RUNNING) await this.device.setState(DeviceState.STOP);
    this.#borrower = undefined;
    if (hasMigration(this.entry)) {
      await this.controller.setState(guestRuns ? DeviceState.RUNNING : DeviceState.STOP);
    }
  }

  get #blocker(): DeviceBlocker | undefined {
    const { failure } = this;
    if (failure !== undefined) return { reason: failure };
    if (this.#borrower !== undefined) {
      return { reason: `the device is exported by ${this.#borrower.type} '${this.#borrower.id}'` };
    }
    const { enableMigration } = this.#properties;
    if (enableMigration === 'off') return 'disabled';
    if (this.#unsupported) return 'unsupported';
    return this.#dmaTracking === 'none' && enableMigration === 'auto' ? 'no-dirty-tracking' : undefined;
  }

  get #dmaTracking(): 'log' | 'log-at-end' | 'none' {
    const { dirtyPageTracking, preCopyDirtyPageTracking } = this.#properties;
    if (!dirtyPageTracking || this.device.dmaLogging.supported === false) return 'none';
    return preCopyDirtyPageTracking ? 'log' : 'log-at-end';
  }

  /** The device is asked when the notice has been read, or its readers were given a moment for it. */
  #announce(wanted: DeviceState): Promise<void> | undefined {
    const { migrationEvents, migrationPrepareEvents } = this.#properties;
    const noticeAsState = wanted === DeviceState.PRE_COPY_P2P && migrationEvents;
    if (migrationPrepareEvents) this.#emit('VFIO_MIGRATION_PREPARE', this.#data(nameOf(wanted)));
    if (noticeAsState) this.#report('pre-copy-p2p-prepare');
    return migrationPrepareEvents || noticeAsState ? this.#deliverEvents() : undefined;
  }

  #report(state: QapiVfioMigrationState): void {
    if (this.#properties.migrationEvents) this.#emit('VFIO_MIGRATION', this.#data(state));
  }

  #data(state: QapiVfioMigrationState) {
    return { 'device-id': this.id, 'qom-path': this.path, 'device-state': state };
  }
}

function nameOf(state: DeviceState): QapiVfioMigrationState {
  const name = stateName(state);
  if (name === 'error') throw new Error('the error state is never reported');
  return name;
}
