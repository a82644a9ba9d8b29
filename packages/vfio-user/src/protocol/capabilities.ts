import { VfioError } from '@godwit/vfio';
import { VERSION } from './messages.js';

/** What one side says of itself in VERSION, with the defaults of the specification filled in. Sizes are bytes. */
export interface Capabilities {
  /** Descriptors that the sender can receive with one message. */
  readonly maxMessageFds: number;
  /** The largest `count` of a data transfer that the sender accepts. */
  readonly maxDataTransferSize: number;
  readonly maxDmaMaps: number;
  /** Page sizes for DMA maps, or'ed together. */
  readonly pageSizes: number;
  readonly writeMultiple: boolean;
  readonly twinSocket: { readonly supported: boolean; readonly fdIndex?: number };
  readonly migration?: { readonly pageSize: number; readonly maxBitmapSize: number };
}

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly capabilities: Capabilities;
}

/** The version that this package speaks. */
export const MAJOR = 0;
export const MINOR = 2;

/** JSON of a version message that is longer is refused. */
const MAX_JSON = 16 * 1024;

const DEFAULTS = {
  maxMessageFds: 1,
  maxDataTransferSize: 1024 * 1024,
  maxDmaMaps: 65535,
  pageSizes: 4096,
} as const;
const DEFAULT_MIGRATION = { pageSize: 4096, maxBitmapSize: 256 * 1024 * 1024 } as const;

/** The payload of a VERSION message or its reply. */
export function encodeVersion(version: Version): Buffer {
  const { capabilities } = version;
  const json = {
    capabilities: {
      max_msg_fds: capabilities.maxMessageFds,
      max_data_xfer_size: capabilities.maxDataTransferSize,
      max_dma_maps: capabilities.maxDmaMaps,
      pgsizes: capabilities.pageSizes,
      ...(capabilities.writeMultiple && { write_multiple: true }),
      ...(capabilities.twinSocket.supported && { twin_socket: twinSocketJson(capabilities.twinSocket) }),
      ...(capabilities.migration && {
        migration: {
          pgsize: capabilities.migration.pageSize,
          max_bitmap_size: capabilities.migration.maxBitmapSize,
        },
      }),
    },
  };
  const text = Buffer.from(`${JSON.stringify(json)}\0`);
  return Buffer.concat([VERSION.encode({ major: version.major, minor: version.minor }), text]);
}

function twinSocketJson({ supported, fdIndex }: Capabilities['twinSocket']): object {
  return fdIndex === undefined ? { supported } : { supported, fd_index: fdIndex };
}

/** Reads the payload of a VERSION message. EINVAL: not a version, no JSON, no final NUL, or a value that makes no sense. */
export function decodeVersion(payload: Buffer): Version {
  const { major, minor } = VERSION.read(payload);
  const json = payload.subarray(VERSION.size);
  if (json.length === 0) return { major, minor, capabilities: decodeCapabilities({}) };
  if (json.length > MAX_JSON) throw new VfioError('EINVAL', `the version data exceeds ${MAX_JSON} bytes`);
  if (json.at(-1) !== 0) throw new VfioError('EINVAL', 'the version data has no final NUL');
  let value: unknown;
  try {
    value = JSON.parse(json.toString('utf8', 0, json.length - 1));
  } catch (cause) {
    throw new VfioError('EINVAL', 'the version data is no JSON', { cause });
  }
  const object = asObject(value, 'the version data');
  return { major, minor, capabilities: decodeCapabilities(optionalObject(object, 'capabilities')) };
}

function decodeCapabilities(json: Record<string, unknown>): Capabilities {
  const twin = optionalObject(json, 'twin_socket');
  const fdIndex = twin.fd_index === undefined ? {} : { fdIndex: count(twin, 'fd_index', 0) };
  return {
    maxMessageFds: count(json, 'max_msg_fds', DEFAULTS.maxMessageFds),
    maxDataTransferSize: count(json, 'max_data_xfer_size', DEFAULTS.maxDataTransferSize),
    maxDmaMaps: count(json, 'max_dma_maps', DEFAULTS.maxDmaMaps),
    pageSizes: count(json, 'pgsizes', DEFAULTS.pageSizes),
    writeMultiple: flag(json, 'write_multiple'),
    twinSocket: { supported: flag(twin, 'supported'), ...fdIndex },
    ...(json.migration !== undefined && {
      migration: decodeMigration(asObject(json.migration, 'migration')),
    }),
  };
}

function decodeMigration(json: Record<string, unknown>): { pageSize: number; maxBitmapSize: number } {
  return {
    pageSize: count(json, 'pgsize', DEFAULT_MIGRATION.pageSize),
    maxBitmapSize: count(json, 'max_bitmap_size', DEFAULT_MIGRATION.maxBitmapSize),
  };
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new VfioError('EINVAL', `${what} is no JSON object`);
  }
  return value as Record<string, unknown>;
}

function optionalObject(json: Record<string, unknown>, name: string): Record<string, unknown> {
  return json[name] === undefined ? {} : asObject(json[name], name);
}

function count(json: Record<string, unknown>, name: string, otherwise: number): number {
  const value = json[name];
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new VfioError('EINVAL', `${name} is no count`);
  }
  return value;
}

function flag(json: Record<string, unknown>, name: string): boolean {
  const value = json[name] ?? false;
  if (typeof value !== 'boolean') throw new VfioError('EINVAL', `${name} is no boolean`);
  return value;
}
