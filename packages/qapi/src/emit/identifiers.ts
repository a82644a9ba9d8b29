import type { Schema, Type } from '../schema/model.js';
import { NameTable } from './name-table.js';

/** The TypeScript names of a schema's types, each given once. */
export class Identifiers {
  readonly #names = new Map<Type, string>();

  /** `reserved` are names that the generated files use for themselves. */
  constructor(schema: Schema, reserved: Iterable<string>) {
    const table = new NameTable(reserved);
    const declare = (type: Type, wish: string): void => {
      if (!this.#names.has(type)) this.#names.set(type, table.claim(wish));
    };
    // What the schema names itself keeps its name; what it only implies gives way.
    for (const entity of schema.entities) {
      if (isDeclared(entity) && !isImplicit(entity)) declare(entity, typeName(entity.name));
    }
    for (const entity of schema.entities) {
      if (entity.kind === 'command' && entity.argument !== undefined && isImplicit(entity.argument)) {
        declare(entity.argument, `${pascalCase(entity.name)}Arguments`);
      } else if (entity.kind === 'event' && entity.argument !== undefined && isImplicit(entity.argument)) {
        declare(entity.argument, `${pascalCase(entity.name.toLowerCase())}Event`);
      } else if (entity.kind === 'object' && entity.base !== undefined && isImplicit(entity.base)) {
        declare(entity.base, `${typeName(entity.name)}Base`);
      }
    }
  }

  /** @throws TypeError for a built-in or an array, which have no name of their own */
  of(type: Type): string {
    const name = this.#names.get(type);
    if (name === undefined) throw new TypeError(`'${type.name}' has no TypeScript name`);
    return name;
  }

  has(type: Type): boolean {
    return this.#names.has(type);
  }

  all(): Iterable<string> {
    return this.#names.values();
  }
}

function isDeclared(entity: { readonly kind: string }): entity is Type {
  return entity.kind === 'enum' || entity.kind === 'object' || entity.kind === 'alternate';
}

export function isImplicit(type: Type): boolean {
  return type.kind === 'object' && type.origin === 'implicit';
}

/** A type's name where TypeScript allows it; a downstream name (`__org.qemu_x-Type`) without its punctuation. */
function typeName(name: string): string {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(name) && name[0] !== name[0]!.toLowerCase() ? name : pascalCase(name);
}

export function pascalCase(name: string): string {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const joined = words.map((word) => word[0]!.toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(joined) ? joined : `_${joined}`;
}
