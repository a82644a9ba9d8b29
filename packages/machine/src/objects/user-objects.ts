import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { ObjectPropertyInfo } from '../generated/index.js';
import type { Machine } from '../machine.js';
import type { MachineEnvironment } from '../machine-environment.js';
import { inOptionAsync } from '../options/command-line.js';
import type { ObjectConfiguration } from '../options/configuration.js';
import { listingOrder } from '../qom/listing-order.js';
import type { QomObject } from '../qom/object.js';
import {
  type Authorization,
  LIST_PROPERTIES,
  ListAuthorization,
  SIMPLE_SETTINGS,
  SimpleAuthorization,
} from './authorization.js';
import { IOTHREAD_PROPERTIES, IoThread } from './iothread.js';
import { SECRET_SETTINGS, Secret } from './secret.js';
import { settingProperties } from './settings.js';
import {
  AnonymousCredentials,
  CREDENTIAL_SETTINGS,
  PSK_SETTINGS,
  PskCredentials,
  TlsCredentials,
  type TlsEndpoint,
  X509_SETTINGS,
  X509Credentials,
} from './tls/index.js';

import { VFIO_USER_SERVER, VFIO_USER_SERVER_PROPERTIES, VfioUserServerObject } from './vfio-user-server.js';

/** An object that a user can make, and that gives back what it holds. */
interface UserObject extends QomObject {
  close(): Promise<void>;
  /** Called once the machine has its devices; what it throws undoes the object. */
  realize?(): Promise<void>;
}

/** A type of user objects. */
interface UserObjectType {
  readonly properties: readonly ObjectPropertyInfo[];
  create(
    given: Readonly<Record<string, JsonValue>>,
    environment: MachineEnvironment,
    objects: UserObjects,
    machine: Machine,
  ): Promise<UserObject>;
}

/** What `object-add` can make. */
const TYPES: Readonly<Record<string, UserObjectType>> = {
  'authz-list': { properties: LIST_PROPERTIES, create: ListAuthorization.create },
  'authz-simple': { properties: settingProperties(SIMPLE_SETTINGS), create: SimpleAuthorization.create },
  iothread: { properties: IOTHREAD_PROPERTIES, create: IoThread.create },
  secret: {
    properties: settingProperties(SECRET_SETTINGS),
    create: (given, _environment, objects) => Secret.create(given, (id) => objects.secret(id)),
  },
  'tls-creds-anon': {
    properties: settingProperties(CREDENTIAL_SETTINGS),
    create: AnonymousCredentials.create,
  },
  'tls-creds-psk': { properties: settingProperties(PSK_SETTINGS), create: PskCredentials.create },
  'tls-creds-x509': {
    properties: settingProperties(X509_SETTINGS),
    create: (given, { clock }, objects) =>
      X509Credentials.create(given, { clock, findSecret: (id) => objects.secret(id) }),
  },
  [VFIO_USER_SERVER]: {
    properties: VFIO_USER_SERVER_PROPERTIES,
    create: (given, _environment, _objects, machine) => VfioUserServerObject.create(given, machine),
  },
};

/** What qom-list-properties tells of a type that users can make objects of, beyond `type`. */
export function userObjectProperties(type: string): readonly ObjectPropertyInfo[] {
  return TYPES[type]?.properties ?? [];
}

/** The objects below `/objects`. */
export class UserObjects {
  readonly #container: QomObject;
  readonly #environment: MachineEnvironment;
  readonly #machine: Machine;
  /** Those that wait for the machine to have its devices, with the option that asked for each. */
  readonly #waiting = new Map<UserObject, string | undefined>();
  readonly #objects = new Map<string, UserObject>();

  constructor(container: QomObject, environment: MachineEnvironment, machine: Machine) {
    this.#container = container;
    this.#environment = environment;
    this.#machine = machine;
  }

  /** In the order in which QEMU lists them. */
  get iothreads(): readonly IoThread[] {
    return listingOrder([...this.#objects.keys()])
      .map((id) => this.#objects.get(id)!)
      .filter((object) => object instanceof IoThread);
  }

  /** Whether a device of the machine is exported. */
  get exportsDevices(): boolean {
    return [...this.#objects.values()].some((object) => object instanceof VfioUserServerObject);
  }

  /** The secret of that name. @throws QapiError when there is none */
  secret(id: string): Secret {
    const object = this.#objects.get(id);
    if (object === undefined) throw failure(`No secret with id '${id}'`);
    if (!(object instanceof Secret)) throw failure(`Object with id '${id}' is not a secret`);
    return object;
  }

  /** The TLS credentials of that name. @throws QapiError when there are none, or they are for the other side */
  tlsCredentials(id: string, endpoint: TlsEndpoint): TlsCredentials {
    const object = this.#objects.get(id);
    if (object === undefined) throw failure(`No TLS credentials with id '${id}'`);
    if (!(object instanceof TlsCredentials)) {
      throw failure(`Object with id '${id}' is not TLS credentials`);
    }
    if (object.endpoint !== endpoint) throw failure(`Expected TLS credentials for a ${endpoint} endpoint`);
    return object;
  }

  /** Who is let in, by the object of that name. Absent when there is none now; then nobody is. */
  authorization(id: string): Authorization | undefined {
    const object = this.#objects.get(id);
    return object instanceof SimpleAuthorization || object instanceof ListAuthorization ? object : undefined;
  }

  /** @throws QapiError when there is no such type, the name is taken, or a property is wrong */
  async add({ type, id = '', properties, source }: ObjectConfiguration): Promise<void> {
    const definition = TYPES[type];
    if (definition === undefined) throw new TypeError(`objects of type ${type} cannot be made`);
    if (this.#container.properties.has(id)) throw duplicate(id);
    const object = await definition.create(properties, this.#environment, this, this.#machine);
    try {
      this.#container.addChild(id, object);
    } catch (error) {
      await object.close();
      throw error;
    }
    this.#objects.set(id, object);
    if (object.realize === undefined) return;
    if (this.#machine.phase === 'ready') await this.#realize(id, object);
    else this.#waiting.set(object, source);
  }

  /** The machine has its devices: those that waited for them begin. @throws what an object throws that cannot */
  async realizeWaiting(): Promise<void> {
    for (const [object, source] of [...this.#waiting]) {
      const realize = () => this.#realize(object.name, object);
      await (source === undefined ? realize() : inOptionAsync(source, realize));
    }
  }

  /** @throws QapiError when there is no such object */
  async remove(id: string): Promise<void> {
    const object = this.#objects.get(id);
    if (object === undefined) throw failure(`object '${id}' not found`);
    await this.#remove(id, object);
    if (object instanceof VfioUserServerObject) this.#machine.vfioUserServerRemoved();
  }

  async close(): Promise<void> {
    for (const [id, object] of [...this.#objects]) await this.#remove(id, object);
  }

  async #realize(id: string, object: UserObject): Promise<void> {
    this.#waiting.delete(object);
    try {
      await object.realize?.();
    } catch (error) {
      await this.#remove(id, object);
      throw error;
    }
  }

  async #remove(id: string, object: UserObject): Promise<void> {
    this.#objects.delete(id);
    this.#waiting.delete(object);
    object.unparent();
    await object.close();
  }
}

function duplicate(id: string): QapiError {
  return failure(`attempt to add duplicate property '${id}' to object (type 'container')`);
}

function failure(message: string): QapiError {
  return new QapiError('GenericError', message);
}
