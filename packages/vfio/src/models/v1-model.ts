import type { DeviceRegion } from '../device.js';
import type { ModelDefinition } from '../model/definition.js';
import type { Verification } from '../model/device-memory.js';
import type { Faults } from '../model/faults.js';
import type { ModelDevice } from '../model/model-device.js';
import type { ModelEnvironment, ModelledDevice } from '../model/modelled-device.js';
import type { Properties } from '../model/property.js';
import { DeviceLogic } from '../v1/device-logic.js';
import type { MigrationRegion } from '../v1/region.js';
import { tracedRegion } from '../v1/trace.js';
import { V1Device } from '../v1/v1-device.js';
import { VendorDriver } from '../v1/vendor-driver.js';

/** A model behind a 2018 migration region (`protocol=v1`): every byte of its migration goes through that region. */
export class V1Model extends V1Device implements ModelledDevice {
  readonly carriesConfig: boolean;
  /** The region that the device is migrated through, for whoever checks or drives it himself. */
  readonly region: MigrationRegion;
  readonly #inner: ModelDevice;

  constructor(inner: ModelDevice, environment: ModelEnvironment) {
    const { properties } = inner;
    const driver = new VendorDriver(new DeviceLogic(inner, environment.memorySize), {
      areaSize: properties.number('region-size'),
      mapped: properties.isOn('region-mapped'),
    });
    const { trace } = environment;
    const region = trace !== undefined && properties.isOn('trace') ? tracedRegion(driver, trace) : driver;
    const { config } = environment;
    super(region, {
      preCopy: inner.flags.preCopy,
      reset: () => inner.reset(),
      ...(config && { config }),
    });
    this.carriesConfig = config !== undefined;
    this.region = region;
    this.#inner = inner;
  }

  get model(): string {
    return this.#inner.model;
  }

  get properties(): Properties {
    return this.#inner.properties;
  }

  get compatible(): string {
    return `${this.#inner.compatible},protocol=v1`;
  }

  get migratable(): boolean {
    return this.#inner.migratable;
  }

  get pci(): ModelDefinition['pci'] {
    return this.#inner.pci;
  }

  get regions(): readonly DeviceRegion[] {
    return this.#inner.regions;
  }

  get faults(): Faults {
    return this.#inner.faults;
  }

  verify(): Verification {
    return this.#inner.verify();
  }

  override close(): void {
    super.close();
    this.#inner.close();
  }
}
