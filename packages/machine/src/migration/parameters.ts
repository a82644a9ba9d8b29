import type { MigrationParameters as EngineParameters } from '@godwit/migration';
import { QapiError } from '@godwit/qapi/runtime';
import { type MigrateSetParameters, type MigrationParameters, protocol } from '../generated/index.js';
import { parseBoolean, parseSize } from '../options/values.js';
import { checkBitmapMapping } from './bitmap-mapping.js';

/** What a parameter may be, and how QEMU words that. */
interface Check {
  readonly name: keyof ParameterValues;
  readonly expected: string;
  holds(values: ParameterValues): boolean;
}

type Counted = {
  [K in keyof ParameterValues]-?: ParameterValues[K] extends number | bigint ? K : never;
}[keyof ParameterValues];

const MAX_SIZE = 2n ** 64n - 1n;
const MAX_DOWNTIME_MS = 2_000_000n;
const PAGE_SIZE = 4096n;

function range(name: Counted, minimum: bigint, maximum: bigint, expected: string): Check {
  return { name, expected, holds: ({ [name]: value }) => value >= minimum && value <= maximum };
}

function between(name: Counted, minimum: bigint, maximum: bigint): Check {
  return range(name, minimum, maximum, `a value between ${minimum} and ${maximum}`);
}

function percentage(name: Counted, maximum = 99n): Check {
  return range(name, 1n, maximum, `an integer in the range of 1 to ${maximum}`);
}

function bandwidth(name: Counted): Check {
  return range(name, 0n, MAX_SIZE, `an integer in the range of 0 to ${MAX_SIZE} bytes/second`);
}

function isPowerOfTwo(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

/** In the order in which QEMU looks at them. */
const CHECKS: readonly Check[] = [
  percentage('throttle-trigger-threshold', 100n),
  percentage('cpu-throttle-initial'),
  percentage('cpu-throttle-increment'),
  bandwidth('max-bandwidth'),
  bandwidth('avail-switchover-bandwidth'),
  range('downtime-limit', 0n, MAX_DOWNTIME_MS, 'an integer in the range of 0 to (2000 * 1000) ms'),
  between('multifd-channels', 1n, 255n),
  between('multifd-zlib-level', 0n, 9n),
  between('multifd-qatzip-level', 1n, 9n),
  between('multifd-zstd-level', 0n, 20n),
  {
    name: 'xbzrle-cache-size',
    expected: 'a power of two no less than the target page size',
    holds: ({ 'xbzrle-cache-size': size }) => size >= PAGE_SIZE && isPowerOfTwo(size),
  },
  {
    name: 'max-cpu-throttle',
    expected: 'an integer in the range of cpu_throttle_initial to 99',
    holds: ({ 'max-cpu-throttle': most, 'cpu-throttle-initial': first }) => most >= first && most <= 99,
  },
  between('announce-initial', 0n, 100_000n),
  between('announce-max', 0n, 100_000n),
  between('announce-rounds', 0n, 1000n),
  range('announce-step', 1n, 10_000n, 'a value between 0 and 10000'),
];

/** Every parameter has a value here, unlike in the schema, but for the one that is not told until it is set. */
export type ParameterValues = Required<Omit<MigrationParameters, typeof UNTOLD>> &
  Pick<MigrationParameters, typeof UNTOLD>;

const UNTOLD = 'block-bitmap-mapping';

const DEFAULTS: ParameterValues = {
  'announce-initial': 50n,
  'announce-max': 550n,
  'announce-rounds': 5n,
  'announce-step': 100n,
  'throttle-trigger-threshold': 50,
  'cpu-throttle-initial': 20,
  'cpu-throttle-increment': 10,
  'cpu-throttle-tailslow': false,
  'tls-creds': '',
  'tls-hostname': '',
  'tls-authz': '',
  'max-bandwidth': 128n * 1024n * 1024n,
  'avail-switchover-bandwidth': 0n,
  'downtime-limit': 300n,
  'x-checkpoint-delay': 20_000,
  'multifd-channels': 2,
  'xbzrle-cache-size': 64n * 1024n * 1024n,
  'max-postcopy-bandwidth': 0n,
  'max-cpu-throttle': 99,
  'multifd-compression': 'none',
  'multifd-zlib-level': 1,
  'multifd-qatzip-level': 1,
  'multifd-zstd-level': 1,
  'x-vcpu-dirty-limit-period': 1000n,
  'vcpu-dirty-limit': 1n,
  mode: 'normal',
  'zero-page-detection': 'multifd',
  'direct-io': false,
  'cpr-exec-command': [],
};

/** What sets one parameter to a value that a person typed. @throws Error for an unknown name or a value that it does not take */
export function parameterFromText(name: string, text: string): MigrateSetParameters {
  const present = Object.hasOwn(DEFAULTS, name) ? DEFAULTS[name as keyof ParameterValues] : undefined;
  if (name === UNTOLD || Array.isArray(present)) {
    throw new Error(`The ${name} parameter can only be set through QMP`);
  }
  if (present === undefined) throw new Error(`invalid parameter value: ${name}`);
  return { [name]: valueFromText(name, text, present) };
}

/** Those that choose from a list, and the type in the schema that has it. */
const ENUMERATIONS: Readonly<Record<string, string>> = {
  'multifd-compression': 'MultiFDCompression',
  mode: 'MigMode',
  'zero-page-detection': 'ZeroPageDetection',
};

function valueFromText(name: string, text: string, present: unknown): string | number | bigint | boolean {
  switch (typeof present) {
    case 'boolean':
      return parseBoolean(name, text);
    case 'bigint':
      return name === 'max-bandwidth' ? bandwidthFromText(text) : parseSize(name, text);
    case 'number':
      return unsignedFromText(name, text, name === 'x-checkpoint-delay' ? 32 : 8);
    default:
      checkEnumeration(name, text);
      return text;
  }
}

/** Of all bandwidths, QEMU's monitor takes this one in megabytes. */
function bandwidthFromText(text: string): bigint {
  const refused = new Error(`Invalid size ${text}`);
  let bytes: bigint;
  try {
    bytes = parseSize('max-bandwidth', text, 'm');
  } catch {
    throw refused;
  }
  if (bytes >= 2n ** 63n) throw refused;
  return bytes;
}

/** Decimal, hexadecimal or octal; a negative number is a very large one, as with strtoull. */
function unsignedFromText(name: string, text: string, bits: 8 | 32): number {
  const [, sign, digits] = /^\s*([+-]?)(0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/i.exec(text) ?? [];
  const value = digits === undefined ? undefined : BigInt(digits.replace(/^0(?=\d)/, '0o'));
  if (value === undefined || value > MAX_SIZE) throw new Error(`Parameter '${name}' expects uint64`);
  const unsigned = BigInt.asUintN(64, sign === '-' ? -value : value);
  if (unsigned >> BigInt(bits) !== 0n) throw new Error(`Parameter '${name}' expects uint${bits}_t`);
  return Number(unsigned);
}

function checkEnumeration(name: string, text: string): void {
  const type = protocol.types[ENUMERATIONS[name] ?? ''];
  if (type?.kind === 'enum' && !type.values.includes(text)) {
    throw new Error(`Parameter '${name}' does not accept value '${text}'`);
  }
}

/** The parameters of migrations; the defaults are QEMU's. */
export class Parameters {
  #values: ParameterValues = { ...DEFAULTS };

  get values(): ParameterValues {
    return this.#values;
  }

  /**
   * All or nothing.
   * @throws QapiError for a value that is out of range
   */
  set(changes: MigrateSetParameters): void {
    const { 'tls-creds': creds, 'tls-hostname': hostname, 'tls-authz': authz, ...others } = changes;
    const values: ParameterValues = {
      ...this.#values,
      ...others,
      ...(creds === undefined ? {} : { 'tls-creds': creds ?? '' }),
      ...(hostname === undefined ? {} : { 'tls-hostname': hostname ?? '' }),
      ...(authz === undefined ? {} : { 'tls-authz': authz ?? '' }),
    };
    const failed = CHECKS.find((check) => !check.holds(values));
    if (failed !== undefined) {
      const name = failed.name.replaceAll('-', '_');
      throw new QapiError('GenericError', `Parameter '${name}' expects ${failed.expected}`);
    }
    checkBitmapMapping(changes[UNTOLD] ?? []);
    const compression = changes['multifd-compression'];
    if (compression !== undefined && compression !== 'none') {
      throw new QapiError(
        'GenericError',
        `Multifd compression '${compression}' is not supported by this machine`,
      );
    }
    if (changes.mode !== undefined && changes.mode !== 'normal') {
      throw new QapiError(
        'GenericError',
        `Migration mode '${changes.mode}' is not supported by this machine`,
      );
    }
    if (changes['direct-io'] === true) {
      throw new QapiError('GenericError', "Migration parameter 'direct-io' is not supported by this machine");
    }
    this.#values = values;
  }
}

/** What the engine takes of them; its figures are numbers. */
export function engineParameters(values: ParameterValues): EngineParameters {
  return {
    'downtime-limit': Number(values['downtime-limit']),
    'max-bandwidth': Number(values['max-bandwidth']),
    'avail-switchover-bandwidth': Number(values['avail-switchover-bandwidth']),
    'throttle-trigger-threshold': values['throttle-trigger-threshold'],
    'cpu-throttle-initial': values['cpu-throttle-initial'],
    'cpu-throttle-increment': values['cpu-throttle-increment'],
    'max-cpu-throttle': values['max-cpu-throttle'],
    'cpu-throttle-tailslow': values['cpu-throttle-tailslow'],
  };
}
