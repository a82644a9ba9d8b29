import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';

/** A property of an object. One without `get` cannot be read, one without `set` not be written. */
export interface Property {
  /** A built-in type or enumeration of the schema, `child<TYPE>` or `link<TYPE>`. */
  readonly type: string;
  readonly description?: string;
  readonly defaultValue?: JsonValue;
  get?(): JsonValue | Promise<JsonValue>;
  /** Throws when the value is not one that the property takes. */
  set?(value: JsonValue): void | Promise<void>;
}

/** An object of the tree: it has a type, properties, and a place under its parent. */
export class QomObject {
  readonly typeName: string;
  readonly #properties = new Map<string, Property>();
  readonly #children = new Map<string, QomObject>();
  #parent: QomObject | undefined;
  #name = '';

  constructor(typeName: string) {
    this.typeName = typeName;
    this.addProperty('type', { type: 'string', get: () => typeName });
  }

  get parent(): QomObject | undefined {
    return this.#parent;
  }

  /** The last part of the path; empty for the root. */
  get name(): string {
    return this.#name;
  }

  /** From the root, as `/machine/peripheral/nic`; empty for an object without a place. */
  get path(): string {
    if (this.#parent === undefined) return '/';
    const above = this.#parent.path;
    return above === '/' ? `/${this.#name}` : `${above}/${this.#name}`;
  }

  /** In the order in which they were added, children among them. */
  get properties(): ReadonlyMap<string, Property> {
    return this.#properties;
  }

  get children(): ReadonlyMap<string, QomObject> {
    return this.#children;
  }

  addProperty(name: string, property: Property): void {
    if (this.#properties.has(name)) throw duplicateProperty(name, this.typeName);
    this.#properties.set(name, property);
  }

  /**
   * Gives `child` its place. Of `device[*]`, the star becomes the lowest number that is free.
   * @throws QapiError when the name is taken
   */
  addChild<T extends QomObject>(name: string, child: T): T {
    let chosen = name;
    if (name.endsWith('[*]')) {
      for (let index = 0; ; index++) {
        chosen = name.replace('*', String(index));
        if (!this.#properties.has(chosen)) break;
      }
    }
    this.addProperty(chosen, { type: `child<${child.typeName}>`, get: () => child.path });
    child.#parent = this;
    child.#name = chosen;
    this.#children.set(chosen, child);
    return child;
  }

  /** Takes the object out of the tree. */
  unparent(): void {
    if (this.#parent === undefined) return;
    this.#parent.#properties.delete(this.#name);
    this.#parent.#children.delete(this.#name);
    this.#parent = undefined;
  }

  /** @throws QapiError */
  get(name: string): JsonValue | Promise<JsonValue> {
    const property = this.#find(name);
    if (property.get === undefined) {
      throw new QapiError('GenericError', `Property '${this.typeName}.${name}' is not readable`);
    }
    return property.get();
  }

  /** @throws QapiError */
  set(name: string, value: JsonValue): void | Promise<void> {
    const property = this.#find(name);
    if (property.set === undefined) {
      throw new QapiError('GenericError', `Property '${this.typeName}.${name}' is not writable`);
    }
    return property.set(value);
  }

  #find(name: string): Property {
    const property = this.#properties.get(name);
    if (property === undefined) {
      throw new QapiError('GenericError', `Property '${this.typeName}.${name}' not found`);
    }
    return property;
  }
}

function duplicateProperty(name: string, typeName: string): QapiError {
  return new QapiError(
    'GenericError',
    `attempt to add duplicate property '${name}' to object (type '${typeName}')`,
  );
}
