import { QomObject } from './object.js';

/** The fixed part of the object tree, laid out as QEMU's. */
export class MachineTree {
  readonly root = new QomObject('container');
  readonly machine: QomObject;
  readonly objects: QomObject;
  readonly chardevs: QomObject;
  readonly #peripheral: QomObject;
  readonly #anonymous: QomObject;
  readonly #unattached: QomObject;

  constructor() {
    this.machine = this.root.addChild('machine', new QomObject('sim-machine'));
    this.objects = this.root.addChild('objects', new QomObject('container'));
    this.chardevs = this.root.addChild('chardevs', new QomObject('container'));
    this.#unattached = this.machine.addChild('unattached', new QomObject('container'));
    this.#peripheral = this.machine.addChild('peripheral', new QomObject('container'));
    this.#anonymous = this.machine.addChild('peripheral-anon', new QomObject('container'));
  }

  /** A device that the user asked for. @throws QapiError when the name is taken */
  addDevice(device: QomObject, id: string | undefined): void {
    if (id === undefined) this.#anonymous.addChild('device[*]', device);
    else this.#peripheral.addChild(id, device);
  }

  /** A device that is part of the machine. */
  addUnattached(device: QomObject): void {
    this.#unattached.addChild('device[*]', device);
  }

  /** The device of that name. */
  findDevice(id: string): QomObject | undefined {
    return this.#peripheral.children.get(id);
  }
}
