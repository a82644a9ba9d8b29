import type { JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { QAuthZListPolicy, QAuthZListRule } from '../generated/index.js';
import { nestDottedKeys } from '../options/dotted-keys.js';
import { QomObject } from '../qom/object.js';
import { ConfiguredObject, type SettingTable } from './settings.js';

/** Says who is let in (`tls-authz=ID`). */
export interface Authorization extends QomObject {
  /** @param identity of a TLS client, the distinguished name of its certificate */
  allows(identity: string): boolean;
}

export const SIMPLE_SETTINGS = {
  identity: { type: 'string', default: '' },
} as const satisfies SettingTable;

/** Lets in one identity (-object authz-simple). */
export class SimpleAuthorization extends ConfiguredObject<typeof SIMPLE_SETTINGS> implements Authorization {
  /** @throws QapiError or OptionError */
  static async create(given: Readonly<Record<string, JsonValue>>): Promise<SimpleAuthorization> {
    if (given.identity === undefined) throw new QapiError('GenericError', "Parameter 'identity' is missing");
    return new SimpleAuthorization('authz-simple', SIMPLE_SETTINGS, given);
  }

  allows(identity: string): boolean {
    return identity === this.setting('identity');
  }

  async close(): Promise<void> {}
}

const POLICIES = ['deny', 'allow'] as const satisfies readonly QAuthZListPolicy[];
const RULE_MEMBERS: ReadonlySet<string> = new Set(['match', 'policy', 'format']);

/** What qom-list-properties tells. */
export const LIST_PROPERTIES = [
  { name: 'policy', type: 'QAuthZListPolicy' },
  { name: 'rules', type: 'QAuthZListRule' },
] as const;

/** Goes through rules until one matches (-object authz-list). */
export class ListAuthorization extends QomObject implements Authorization {
  readonly #policy: QAuthZListPolicy;
  readonly #rules: readonly QAuthZListRule[];

  /** @throws QapiError or OptionError */
  static async create(given: Readonly<Record<string, JsonValue>>): Promise<ListAuthorization> {
    return new ListAuthorization(given);
  }

  private constructor(given: Readonly<Record<string, JsonValue>>) {
    super('authz-list');
    const { policy = 'deny', rules = [], ...rest } = nestDottedKeys(given);
    const [unknown] = Object.keys(rest);
    if (unknown !== undefined) throw new QapiError('GenericError', `Invalid parameter '${unknown}'`);
    this.#policy = oneOf('policy', policy, POLICIES);
    if (!Array.isArray(rules)) {
      throw new QapiError('GenericError', "Invalid parameter type for 'rules', expected: array");
    }
    this.#rules = rules.map((rule, index) => ruleFrom(rule, `rules[${index}]`));
    this.addProperty('policy', { type: 'QAuthZListPolicy', get: () => this.#policy });
    this.addProperty('rules', {
      type: 'QAuthZListRule',
      get: () => this.#rules.map((rule) => ({ ...rule })),
    });
  }

  allows(identity: string): boolean {
    const rule = this.#rules.find(({ match, format }) =>
      format === 'glob' ? glob(match).test(identity) : match === identity,
    );
    return (rule?.policy ?? this.#policy) === 'allow';
  }

  async close(): Promise<void> {}
}

function ruleFrom(value: JsonValue, path: string): QAuthZListRule {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new QapiError('GenericError', `Invalid parameter type for '${path}', expected: object`);
  }
  const members: Readonly<Record<string, unknown>> = { ...value };
  for (const name of Object.keys(members)) {
    if (!RULE_MEMBERS.has(name))
      throw new QapiError('GenericError', `Parameter '${path}.${name}' is unexpected`);
  }
  const { match, policy, format } = members;
  if (match === undefined) throw new QapiError('GenericError', `Parameter '${path}.match' is missing`);
  if (policy === undefined) throw new QapiError('GenericError', `Parameter '${path}.policy' is missing`);
  if (typeof match !== 'string') {
    throw new QapiError('GenericError', `Invalid parameter type for '${path}.match', expected: string`);
  }
  return {
    ...(format === undefined ? {} : { format: oneOf('format', format, ['exact', 'glob'] as const) }),
    policy: oneOf('policy', policy, POLICIES),
    match,
  };
}

function oneOf<T extends string>(name: string, value: unknown, values: readonly T[]): T {
  const found = values.find((each) => each === value);
  if (found === undefined) {
    throw new QapiError('GenericError', `Parameter '${name}' does not accept value '${String(value)}'`);
  }
  return found;
}

/** A pattern in which `*` stands for any text and `?` for any character. */
function glob(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.|+(){}[\]]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's');
}
