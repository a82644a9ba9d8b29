import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { ObjectPropertyInfo } from '../generated/index.js';
import { parseBoolean } from '../options/values.js';
import { QomObject } from '../qom/object.js';
import { booleanValue, stringValue } from '../qom/values.js';

/** What an object can be told when it is made, and tells as a property. */
export interface Setting {
  /** Its type in the object tree: `string`, `bool`, or the name of an enumeration. */
  readonly type: string;
  /** The values of an enumeration. */
  readonly values?: readonly string[];
  readonly default: string | boolean;
}

export type SettingTable = Readonly<Record<string, Setting>>;

type Value<S extends Setting> = S['default'] extends boolean ? boolean : string;

/** What qom-list-properties tells of a type with these settings. */
export function settingProperties(table: SettingTable): ObjectPropertyInfo[] {
  return Object.entries(table).map(([name, { type }]) => ({ name, type }));
}

/** An object that is told what to be by settings from a table, text from -object or values from object-add. */
export class ConfiguredObject<T extends SettingTable> extends QomObject {
  readonly #values = new Map<string, string | boolean>();

  /** @throws QapiError or OptionError for a setting that is not known, or a value that it does not take */
  constructor(typeName: string, table: T, given: Readonly<Record<string, JsonValue>>) {
    super(typeName);
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(table, name)) throw new QapiError('GenericError', `Invalid parameter '${name}'`);
    }
    for (const [name, setting] of Object.entries(table)) {
      const value = given[name];
      this.#values.set(name, value === undefined ? setting.default : settingValue(name, setting, value));
      this.addProperty(name, {
        type: setting.type,
        get: () => this.#values.get(name)!,
        set: (changed) => {
          this.#values.set(name, settingValue(name, setting, changed));
        },
      });
    }
  }

  setting<N extends keyof T & string>(name: N): Value<T[N]> {
    return this.#values.get(name) as Value<T[N]>;
  }
}

function settingValue(name: string, setting: Setting, value: JsonValue): string | boolean {
  if (typeof setting.default === 'boolean') {
    return typeof value === 'string' ? parseBoolean(name, value) : booleanValue(name, value);
  }
  const text = stringValue(name, value);
  if (setting.values !== undefined && !setting.values.includes(text)) {
    throw new QapiError('GenericError', `Parameter '${name}' does not accept value '${text}'`);
  }
  return text;
}
