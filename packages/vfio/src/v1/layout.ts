import { VfioError } from '../error.js';

/**
 * `struct vfio_device_migration_info` as proposed in "[PATCH 1/5] VFIO KABI for migration interface" (November 2018): packed,
 * little-endian, at offset 0 of a region of this type and subtype.
 */
export const V1_REGION_TYPE = 1 << 30;
export const V1_REGION_SUBTYPE = 1;

/** The five actions of that document. Each field belongs to one. */
export type V1Action = 'set state' | 'get pending' | 'buffer' | 'dirty pages';

/** `in`: user space tells the driver. `out`: the driver answers. `both`: out while saving, in while resuming. */
export type V1Direction = 'in' | 'out' | 'both';

export interface V1Field {
  readonly offset: number;
  /** Bytes. */
  readonly size: 4 | 8;
  readonly action: V1Action;
  readonly direction: V1Direction;
}

/** Every field of the structure, in its order. */
// biome-ignore format: a table reads as columns
export const V1_FIELDS = {
  'device_state':           { offset: 0,  size: 4, action: 'set state',   direction: 'in' },
  'pending.precopy_only':   { offset: 4,  size: 8, action: 'get pending', direction: 'out' },
  'pending.compatible':     { offset: 12, size: 8, action: 'get pending', direction: 'out' },
  'pending.postcopy_only':  { offset: 20, size: 8, action: 'get pending', direction: 'out' },
  'pending.threshold_size': { offset: 28, size: 8, action: 'get pending', direction: 'in' },
  'data.offset':            { offset: 36, size: 8, action: 'buffer',      direction: 'both' },
  'data.size':              { offset: 44, size: 8, action: 'buffer',      direction: 'both' },
  'dirty_pfns.start_addr':  { offset: 52, size: 8, action: 'dirty pages', direction: 'in' },
  'dirty_pfns.total':       { offset: 60, size: 8, action: 'dirty pages', direction: 'in' },
  'dirty_pfns.copied':      { offset: 68, size: 8, action: 'dirty pages', direction: 'out' },
} as const satisfies Record<string, V1Field>;

export type V1FieldName = keyof typeof V1_FIELDS;

/** Bytes of the structure; what follows in the region is for data. */
export const V1_INFO_SIZE = 76;

/** Bytes of the pages that the dirty bitmap counts. The structure has no field for it. */
export const V1_PAGE_SIZE = 4096;

export const V1_FIELD_NAMES = Object.keys(V1_FIELDS) as V1FieldName[];

/** The value of a field, as its bytes in the region. */
export function encodeField(name: V1FieldName, value: number): Uint8Array {
  const bytes = new Uint8Array(V1_FIELDS[name].size);
  const view = new DataView(bytes.buffer);
  if (!Number.isSafeInteger(value) || value < 0) throw new VfioError('EINVAL', `${name} cannot be ${value}`);
  view.setUint32(0, value % 2 ** 32, true);
  if (bytes.length === 8) view.setUint32(4, Math.floor(value / 2 ** 32), true);
  return bytes;
}

/** EOVERFLOW where the value is 2^53 or more: no count of bytes or pages is. */
export function decodeField(name: V1FieldName, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const low = view.getUint32(0, true);
  if (V1_FIELDS[name].size === 4) return low;
  const value = low + view.getUint32(4, true) * 2 ** 32;
  if (!Number.isSafeInteger(value)) {
    throw new VfioError(
      'EOVERFLOW',
      `${name} is 0x${view.getBigUint64(0, true).toString(16)}, which is beyond 2^53`,
    );
  }
  return value;
}

/** The whole fields that an access covers, in order; undefined where it splits one or reaches beyond the structure. */
export function fieldsAt(offset: number, length: number): V1FieldName[] | undefined {
  const end = offset + length;
  const covered = V1_FIELD_NAMES.filter((name) => {
    const field = V1_FIELDS[name];
    return field.offset < end && field.offset + field.size > offset;
  });
  const first = covered[0];
  const last = covered.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const isWhole = V1_FIELDS[first].offset === offset && V1_FIELDS[last].offset + V1_FIELDS[last].size === end;
  return isWhole ? covered : undefined;
}
