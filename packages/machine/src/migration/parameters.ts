import { QapiError } from '@godwit/qapi/runtime';
import type { MigrateSetParameters, MigrationParameters } from '../generated/index.js';
import { parseBoolean, parseNumber, parseSize } from '../options/values.js';

/** A parameter that counts something, the range that it may be in, and how QEMU words that. */
interface Range {
  readonly minimum: bigint;
  readonly maximum: bigint;
  readonly expected: string;
}

const MAX_SIZE = 2n ** 64n - 1n;
const MAX_DOWNTIME_MS = 2_000_000n;

const percentage = (minimum: bigint): Range => ({
  minimum,
  maximum: 99n,
  expected: `an integer in the range of ${minimum} to 99`,
});
const between = (minimum: bigint, maximum: bigint): Range => ({
  minimum,
  maximum,
  expected: `a value between ${minimum} and ${maximum}`,
});
const bandwidth: Range = {
  minimum: 0n,
  maximum: MAX_SIZE,
  expected: `an integer in the range of 0 to ${MAX_SIZE} bytes/second`,
};

const RANGES = {
  'announce-initial': between(0n, 100_000n),
  'announce-max': between(0n, 100_000n),
  'announce-rounds': between(0n, 1000n),
  'announce-step': between(1n, 10_000n),
  'throttle-trigger-threshold': {
    minimum: 1n,
    maximum: 100n,
    expected: 'an integer in the range of 1 to 100',
  },
  'cpu-throttle-initial': percentage(1n),
  'cpu-throttle-increment': percentage(1n),
  'max-cpu-throttle': percentage(1n),
  'max-bandwidth': bandwidth,
  'avail-switchover-bandwidth': bandwidth,
  'downtime-limit': {
    minimum: 0n,
    maximum: MAX_DOWNTIME_MS,
    expected: 'an integer in the range of 0 to 2000 seconds',
  },
  'multifd-channels': between(1n, 255n),
  'multifd-zlib-level': between(0n, 9n),
  'multifd-qatzip-level': between(1n, 9n),
  'multifd-zstd-level': between(0n, 20n),
} as const satisfies Partial<Record<keyof MigrateSetParameters, Range>>;

/** Every parameter has a value here, unlike in the schema. */
export type ParameterValues = Required<MigrationParameters>;

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
  'block-bitmap-mapping': [],
  'x-vcpu-dirty-limit-period': 1000n,
  'vcpu-dirty-limit': 1n,
  mode: 'normal',
  'zero-page-detection': 'multifd',
  'direct-io': false,
  'cpr-exec-command': [],
};

/** What sets one parameter to a value that a person typed. @throws Error for an unknown name or a value that it does not take */
export function parameterFromText(name: string, text: string): MigrateSetParameters {
  if (!Object.hasOwn(DEFAULTS, name)) throw new Error(`invalid parameter value: ${name}`);
  const present = DEFAULTS[name as keyof ParameterValues];
  if (Array.isArray(present)) throw new Error(`The ${name} parameter can only be set through QMP`);
  return { [name]: valueFromText(name, text, present) };
}

function valueFromText(name: string, text: string, present: unknown): string | number | bigint | boolean {
  switch (typeof present) {
    case 'boolean':
      return parseBoolean(name, text);
    case 'bigint':
      // QEMU's monitor takes a bandwidth in megabytes.
      return parseSize(name, text, name.endsWith('bandwidth') ? 'm' : 'b');
    case 'number':
      return Number(parseNumber(name, text));
    default:
      return text;
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
    for (const [name, range] of Object.entries(RANGES)) {
      const value = changes[name as keyof typeof RANGES];
      if (value === undefined || (value >= range.minimum && value <= range.maximum)) continue;
      throw new QapiError(
        'GenericError',
        `Parameter '${name.replaceAll('-', '_')}' expects ${range.expected}`,
      );
    }
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
    const { 'tls-creds': creds, 'tls-hostname': hostname, 'tls-authz': authz, ...others } = changes;
    this.#values = {
      ...this.#values,
      ...others,
      ...(creds === undefined ? {} : { 'tls-creds': creds ?? '' }),
      ...(hostname === undefined ? {} : { 'tls-hostname': hostname ?? '' }),
      ...(authz === undefined ? {} : { 'tls-authz': authz ?? '' }),
    };
  }
}
