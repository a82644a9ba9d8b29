import { ProtocolError } from '../protocol/errors.js';
import type { RecordOf } from '../protocol/layout.js';
import {
  CAPABILITY,
  CAPABILITY_SPARSE_MMAP,
  type REGION_INFO,
  RegionFlag,
  SPARSE_AREA,
  SPARSE_MMAP,
} from '../protocol/messages.js';

/** A region of a remote device. Sizes and offsets are bytes. */
export interface RegionInformation {
  readonly index: number;
  readonly size: number;
  readonly readable: boolean;
  readonly writable: boolean;
  /** How the region can be mapped. The descriptor belongs to the client. */
  readonly mapping?: {
    readonly fd: number;
    readonly offset: number;
    readonly areas: readonly { readonly offset: number; readonly size: number }[];
  };
}

export interface IrqInformation {
  readonly index: number;
  readonly count: number;
  /** VFIO_IRQ_INFO_*. */
  readonly flags: number;
}

const MAX_AREAS = 1024;

type RegionInfoFields = RecordOf<{
  argsz: 'u32';
  flags: 'u32';
  index: 'u32';
  capOffset: 'u32';
  size: 'u64';
  offset: 'u64';
}>;

/** Reads a whole reply of DEVICE_GET_REGION_INFO; throws {@link ProtocolError} for one that contradicts itself. */
export function decodeRegionInformation(
  info: ReturnType<typeof REGION_INFO.read> & RegionInfoFields,
  payload: Buffer,
  fd: number | undefined,
): RegionInformation {
  const areas =
    (info.flags & RegionFlag.CAPS) !== 0 ? sparseAreas(payload, info.capOffset, info.size) : undefined;
  return {
    index: info.index,
    size: info.size,
    readable: (info.flags & RegionFlag.READ) !== 0,
    writable: (info.flags & RegionFlag.WRITE) !== 0,
    ...(fd !== undefined && {
      mapping: { fd, offset: info.offset, areas: areas ?? [{ offset: 0, size: info.size }] },
    }),
  };
}

/** Walks the chain of capabilities, whose links only lead forward. */
function sparseAreas(
  payload: Buffer,
  first: number,
  regionSize: number,
): { offset: number; size: number }[] | undefined {
  for (let at = first; at !== 0; ) {
    const { id, next } = CAPABILITY.read(payload, at);
    if (id === CAPABILITY_SPARSE_MMAP) return readAreas(payload, at + CAPABILITY.size, regionSize);
    if (next !== 0 && next < at + CAPABILITY.size)
      throw new ProtocolError('region capabilities go in a circle');
    at = next;
  }
  return undefined;
}

function readAreas(payload: Buffer, at: number, regionSize: number): { offset: number; size: number }[] {
  const { areas: count } = SPARSE_MMAP.read(payload, at);
  if (count > MAX_AREAS) throw new ProtocolError(`a region has ${count} mappable areas`);
  return Array.from({ length: count }, (_, index) => {
    const area = SPARSE_AREA.read(payload, at + SPARSE_MMAP.size + index * SPARSE_AREA.size);
    if (area.offset + area.size > regionSize) throw new ProtocolError('a mappable area exceeds its region');
    return area;
  });
}
