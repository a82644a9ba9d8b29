import { QapiError } from '@godwit/qapi/runtime';
import { listingOrder } from '../qom/listing-order.js';
import type { QomObject } from '../qom/object.js';
import type { Serial16550 } from '../serial/index.js';
import { CharacterDevice, type ChardevEnvironment } from './character-device.js';
import type { ChardevConfiguration } from './configuration.js';
import { SerialFrontend } from './serial-frontend.js';

/** The character devices of a machine, by their names, and the serial port's connection to one of them. */
export class CharacterDevices {
  readonly #container: QomObject;
  readonly #environment: ChardevEnvironment;
  readonly #devices = new Map<string, CharacterDevice>();
  #serial: SerialFrontend | undefined;

  constructor(container: QomObject, environment: ChardevEnvironment) {
    this.#container = container;
    this.#environment = environment;
  }

  /** In the order in which they were made. */
  get made(): readonly CharacterDevice[] {
    return [...this.#devices.values()];
  }

  /** In the order in which QEMU lists them. */
  list(): readonly CharacterDevice[] {
    return listingOrder([...this.#devices.keys()])
      .reverse()
      .map((id) => this.#devices.get(id)!);
  }

  /** @throws QapiError when the name is taken; Error when it cannot be opened */
  async add(configuration: ChardevConfiguration): Promise<CharacterDevice> {
    const { id } = configuration;
    if (this.#devices.has(id)) {
      throw new QapiError(
        'GenericError',
        `attempt to add duplicate property '${id}' to object (type 'container')`,
      );
    }
    if (configuration.kind === 'stdio' && this.made.some((device) => device.configuration.kind === 'stdio')) {
      throw new Error('cannot use stdio by multiple character devices');
    }
    const base = this.#baseOf(configuration);
    const device = await CharacterDevice.open(configuration, this.#environment);
    if (device.mux !== undefined) base?.use(device.mux);
    this.#container.addChild(id, device);
    this.#devices.set(id, device);
    return device;
  }

  /**
   * Makes a device anew with another backend; its frontend stays.
   * @throws QapiError, or Error when it cannot be opened; the device is then as it was
   */
  async change(configuration: ChardevConfiguration): Promise<CharacterDevice> {
    const { id } = configuration;
    const device = this.changeable(id);
    const { frontend } = device;
    if (configuration.kind === 'mux') {
      this.#baseOf(configuration);
      throw new QapiError('GenericError', 'Mux device hotswap not supported yet');
    }
    const changed = await CharacterDevice.open(configuration, this.#environment);
    await this.#discard(device);
    this.#container.addChild(id, changed);
    this.#devices.set(id, changed);
    if (frontend !== undefined) changed.use(frontend);
    return changed;
  }

  /** The device that is to get another backend. @throws QapiError when there is none, or it cannot get one */
  changeable(id: string): CharacterDevice {
    const device = this.#devices.get(id);
    if (device === undefined) throw new QapiError('GenericError', `Chardev '${id}' does not exist`);
    if (device.mux !== undefined) {
      throw new QapiError('GenericError', 'Mux device hotswap not supported yet');
    }
    if (device.frontend !== undefined && !(device.frontend instanceof SerialFrontend)) {
      throw new QapiError('GenericError', 'Chardev user does not support chardev hotswap');
    }
    return device;
  }

  /** @throws QapiError when there is none, or something uses it */
  async remove(id: string): Promise<void> {
    const device = this.require(id);
    if (device.frontend !== undefined || device.mux !== undefined) {
      throw new QapiError('GenericError', `Chardev '${id}' is busy`);
    }
    await this.#discard(device);
  }

  has(id: string): boolean {
    return this.#devices.has(id);
  }

  /** The device of a command. @throws QapiError when there is none */
  require(id: string): CharacterDevice {
    const device = this.#devices.get(id);
    if (device === undefined) throw new QapiError('GenericError', `Chardev '${id}' not found`);
    return device;
  }

  /** The device of an option. @throws QapiError when there is none */
  find(id: string): CharacterDevice {
    const device = this.#devices.get(id);
    if (device === undefined) throw new QapiError('GenericError', `chardev "${id}" not found`);
    return device;
  }

  /** Connects COM1 to a character device; without one, what the guest sends is lost. */
  connectSerial(id: string | undefined, serial: Serial16550): void {
    if (id === undefined) return;
    const frontend = new SerialFrontend('serial0', serial, this.#environment.clock);
    this.find(id).use(frontend);
    this.#serial = frontend;
  }

  /** What the guest sends over COM1. */
  serialOutput(bytes: Uint8Array): void {
    this.#serial?.transmit(bytes);
  }

  /** Waits for the clients of those that were told to wait. */
  async awaitClients(): Promise<void> {
    for (const device of this.made) await device.awaitClient();
  }

  /** What a shared device shares. @throws QapiError when that is not there, or used already */
  #baseOf(configuration: ChardevConfiguration): CharacterDevice | undefined {
    if (configuration.kind !== 'mux') return undefined;
    const base = this.#devices.get(configuration.base);
    if (base === undefined) {
      throw new QapiError('GenericError', `mux: base chardev ${configuration.base} not found`);
    }
    if (base.frontend !== undefined) throw new QapiError('GenericError', `Device '${base.id}' is in use`);
    return base;
  }

  async #discard(device: CharacterDevice): Promise<void> {
    this.#devices.delete(device.id);
    device.unparent();
    await device.close();
  }

  async close(): Promise<void> {
    this.#serial?.close();
    for (const device of this.made) await device.close();
    this.#devices.clear();
  }
}
