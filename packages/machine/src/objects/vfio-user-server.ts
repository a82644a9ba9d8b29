import type { JsonObject, JsonValue } from '@godwit/json';
import { requireNative, systemReason, UnixListener } from '@godwit/native';
import { decode, QapiError } from '@godwit/qapi/runtime';
import type { VfioUserServer } from '@godwit/vfio-user';
import { VfioDevice } from '../devices/index.js';
import { type ObjectPropertyInfo, protocol, type VfioUserServerProperties } from '../generated/index.js';
import type { Machine } from '../machine.js';
import { nestDottedKeys } from '../options/dotted-keys.js';
import { QomObject } from '../qom/object.js';
import { stringValue } from '../qom/values.js';

/** What every such object has, as qom-list-properties shows it. Both are write-only, as QEMU's are. */
export const VFIO_USER_SERVER_PROPERTIES: readonly ObjectPropertyInfo[] = [
  {
    name: 'socket',
    type: 'SocketAddress',
    description: 'SocketAddress (ex: type=unix,path=/tmp/sock). Only UNIX is presently supported',
  },
  {
    name: 'device',
    type: 'string',
    description: 'device ID - only PCI devices are presently supported',
  },
];

export const VFIO_USER_SERVER = 'x-vfio-user-server';

/**
 * Exports a device of the machine over vfio-user. While the object is there the device is its client's alone: the guest does
 * not see it, the machine does not stop, start or migrate it. It begins and ends fresh, as after power-on. When a client
 * that had negotiated is gone, so is the object.
 */
export class VfioUserServerObject extends QomObject {
  readonly #machine: Machine;
  #path: string;
  #deviceId: string;
  #listener: UnixListener | undefined;
  #server: VfioUserServer | undefined;
  #device: VfioDevice | undefined;

  /** @throws QapiError or OptionError for properties that make no sense */
  static async create(
    given: Readonly<Record<string, JsonValue>>,
    machine: Machine,
  ): Promise<VfioUserServerObject> {
    const properties = decode(
      protocol,
      'VfioUserServerProperties',
      withSocket(nestDottedKeys(given)),
    ) as VfioUserServerProperties;
    return new VfioUserServerObject(machine, unixPath(properties.socket), properties.device);
  }

  private constructor(machine: Machine, path: string, deviceId: string) {
    super(VFIO_USER_SERVER);
    this.#machine = machine;
    this.#path = path;
    this.#deviceId = deviceId;
    this.addProperty('socket', {
      type: 'SocketAddress',
      set: (value) => {
        this.#refuseChange('socket');
        this.#path = unixPath(decode(protocol, 'SocketAddress', value) as VfioUserServerProperties['socket']);
      },
    });
    this.addProperty('device', {
      type: 'string',
      set: (value) => {
        this.#refuseChange('device');
        this.#deviceId = stringValue('device', value);
      },
    });
  }

  /** Starts to serve: the machine has its devices now. @throws QapiError, and nothing is left then */
  async realize(): Promise<void> {
    const { environment, guest, migrations } = this.#machine;
    const native = requireNative(VFIO_USER_SERVER);
    const { modelFunction, VfioUserServer } = await import('@godwit/vfio-user');
    migrations.refuseDeviceChange('object-add');
    // A client that comes before the device is ready waits for it.
    const early: number[] = [];
    this.#listener = this.#listen((fd) => {
      if (this.#server === undefined) early.push(fd);
      else this.#server.accept(fd);
    });
    try {
      const device = this.#findDevice();
      const { model } = device;
      if (model === undefined) throw attachFailure(this.#deviceId, 'Operation not supported');
      if (device.borrower !== undefined) throw attachFailure(this.#deviceId, 'Device or resource busy');
      this.#device = device;
      const borrower = { type: VFIO_USER_SERVER, id: this.name };
      await guest.exclusively(() => this.#machine.hardware.lendDevice(device, borrower));
      this.#server = new VfioUserServer({
        native,
        clock: environment.clock,
        create: ({ memory, interrupts }) => {
          device.wiring.connect({ memory, interrupt: () => void interrupts.raise() });
          return modelFunction(model);
        },
        events: {
          disconnected: () => this.#hangUp(device),
          refused: (error) => environment.warn(`${this.path}: ${error.message}`),
        },
      });
    } catch (error) {
      for (const fd of early.splice(0)) native.close(fd);
      await this.close();
      throw error;
    }
    for (const fd of early.splice(0)) this.#server.accept(fd);
  }

  /** Ends the connection, removes the socket, and gives the device back to the guest. Idempotent. */
  async close(): Promise<void> {
    this.#listener?.close();
    this.#listener = undefined;
    const server = this.#server;
    const device = this.#device;
    this.#server = undefined;
    this.#device = undefined;
    server?.close();
    if (device === undefined) return;
    const { guest, hardware } = this.#machine;
    await guest.exclusively((running) => hardware.takeBackDevice(device, running));
  }

  #hangUp(device: VfioDevice): void {
    // The end of its own making is no hangup.
    if (this.#server === undefined) return;
    this.#machine.emit('VFU_CLIENT_HANGUP', {
      'vfu-id': this.name,
      'vfu-qom-path': this.path,
      'dev-id': this.#deviceId,
      'dev-qom-path': device.path,
    });
    const { environment, objects } = this.#machine;
    objects.remove(this.name).catch((error: Error) => environment.warn(`${device.path}: ${error.message}`));
  }

  #listen(connection: (fd: number) => void): UnixListener {
    const { environment } = this.#machine;
    try {
      return new UnixListener(requireNative(VFIO_USER_SERVER), this.#path, {
        connection,
        failed: (error) => environment.warn(`${this.path}: ${error.message}`),
      });
    } catch (cause) {
      throw failure(`vfu: Failed to create context - ${systemReason(cause)}`, cause);
    }
  }

  #findDevice(): VfioDevice {
    const device = this.#machine.tree.findDevice(this.#deviceId);
    if (device === undefined) throw failure(`vfu: Device ${this.#deviceId} not found`);
    if (!(device instanceof VfioDevice)) throw failure(`vfu: ${this.#deviceId} not a PCI device`);
    return device;
  }

  #refuseChange(property: string): void {
    if (this.#listener !== undefined) throw failure(`vfu: Unable to set ${property} property - server busy`);
  }
}

/** `type=unix,path=PATH` beside `device=` stands for `socket.type=unix,socket.path=PATH`. */
function withSocket(given: JsonObject): JsonObject {
  if (given.socket !== undefined || (given.type === undefined && given.path === undefined)) return given;
  const { device, ...socket } = given;
  return { ...(device === undefined ? {} : { device }), socket };
}

function unixPath(socket: VfioUserServerProperties['socket']): string {
  if (socket.type === 'unix') return socket.path;
  throw failure(`vfu: Unsupported socket type - ${socket.type}`);
}

function attachFailure(device: string, reason: string): QapiError {
  return failure(`vfu: Failed to attach PCI device ${device} to context - ${reason}`);
}

function failure(message: string, cause?: unknown): QapiError {
  return new QapiError('GenericError', message, cause === undefined ? {} : { cause });
}
