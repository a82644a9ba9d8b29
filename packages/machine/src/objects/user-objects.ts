import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { MachineEnvironment } from '../machine-environment.js';
import type { ObjectConfiguration } from '../options/configuration.js';
import type { QomObject } from '../qom/object.js';
import { IoThread } from './iothread.js';

/** An object that a user can make, and that gives back what it holds. */
interface UserObject extends QomObject {
  close(): Promise<void>;
}

type Creator = (
  properties: Readonly<Record<string, JsonValue>>,
  environment: MachineEnvironment,
) => Promise<UserObject>;

/** How objects of each type of `object-add` are made. */
const CREATORS: Readonly<Record<string, Creator>> = {
  iothread: IoThread.create,
};

/** The objects below `/objects`. */
export class UserObjects {
  readonly #container: QomObject;
  readonly #environment: MachineEnvironment;
  readonly #objects = new Map<string, UserObject>();

  constructor(container: QomObject, environment: MachineEnvironment) {
    this.#container = container;
    this.#environment = environment;
  }

  get iothreads(): readonly IoThread[] {
    return [...this.#objects.values()].filter((object) => object instanceof IoThread);
  }

  /** @throws QapiError when there is no such type, the name is taken, or a property is wrong */
  async add({ type, id = '', properties }: ObjectConfiguration): Promise<void> {
    const create = CREATORS[type];
    if (create === undefined) throw new TypeError(`objects of type ${type} cannot be made`);
    if (this.#container.properties.has(id)) throw duplicate(id);
    const object = await create(properties, this.#environment);
    try {
      this.#container.addChild(id, object);
    } catch (error) {
      await object.close();
      throw error;
    }
    this.#objects.set(id, object);
  }

  /** @throws QapiError when there is no such object */
  async remove(id: string): Promise<void> {
    const object = this.#objects.get(id);
    if (object === undefined) throw new QapiError('GenericError', `object '${id}' not found`);
    this.#objects.delete(id);
    object.unparent();
    await object.close();
  }

  async close(): Promise<void> {
    for (const id of [...this.#objects.keys()]) await this.remove(id);
  }
}

function duplicate(id: string): QapiError {
  return new QapiError(
    'GenericError',
    `attempt to add duplicate property '${id}' to object (type 'container')`,
  );
}
