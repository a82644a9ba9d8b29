import { Layout } from './layout.js';

/** Command numbers of the vfio-user protocol, version 0.x. 14 is the obsolete DIRTY_PAGES. */
export const Command = {
  VERSION: 1,
  DMA_MAP: 2,
  DMA_UNMAP: 3,
  DEVICE_GET_INFO: 4,
  DEVICE_GET_REGION_INFO: 5,
  DEVICE_GET_REGION_IO_FDS: 6,
  DEVICE_GET_IRQ_INFO: 7,
  DEVICE_SET_IRQS: 8,
  REGION_READ: 9,
  REGION_WRITE: 10,
  DMA_READ: 11,
  DMA_WRITE: 12,
  DEVICE_RESET: 13,
  REGION_WRITE_MULTI: 15,
  DEVICE_FEATURE: 16,
  MIG_DATA_READ: 17,
  MIG_DATA_WRITE: 18,
} as const;

export type Command = (typeof Command)[keyof typeof Command];

const NAMES = new Map<number, string>(Object.entries(Command).map(([name, number]) => [number, name]));

/** The name of a command number, or the number where it has none. */
export function commandName(command: number): string {
  return NAMES.get(command) ?? `command ${command}`;
}

/** The flags of a message header. */
export const HeaderFlag = { TYPE_MASK: 0xf, COMMAND: 0, REPLY: 1, NO_REPLY: 0x10, ERROR: 0x20 } as const;

/** Precedes every message; `size` includes it. */
export const HEADER = new Layout({ id: 'u16', command: 'u16', size: 'u32', flags: 'u32', errno: 'u32' });

/** Begins VERSION and its reply; JSON with a final NUL follows. */
export const VERSION = new Layout({ major: 'u16', minor: 'u16' });

export const DmaMapFlag = { READ: 1, WRITE: 2 } as const;
export const DMA_MAP = new Layout({ argsz: 'u32', flags: 'u32', offset: 'u64', address: 'u64', size: 'u64' });

export const DmaUnmapFlag = { GET_DIRTY_BITMAP: 1, ALL: 2 } as const;
export const DMA_UNMAP = new Layout({ argsz: 'u32', flags: 'u32', address: 'u64', size: 'u64' });
/** `struct vfio_bitmap`: follows with GET_DIRTY_BITMAP, in the reply with `size` bytes of bitmap. */
export const UNMAP_BITMAP = new Layout({ pageSize: 'u64', size: 'u64' });

/** `struct vfio_device_info` without capabilities. */
export const DeviceFlag = { RESET: 1, PCI: 2 } as const;
export const DEVICE_INFO = new Layout({ argsz: 'u32', flags: 'u32', regions: 'u32', irqs: 'u32' });

/** `struct vfio_region_info`. */
export const RegionFlag = { READ: 1, WRITE: 2, MMAP: 4, CAPS: 8 } as const;
export const REGION_INFO = new Layout({
  argsz: 'u32',
  flags: 'u32',
  index: 'u32',
  capOffset: 'u32',
  size: 'u64',
  offset: 'u64',
});

/** `struct vfio_info_cap_header`; `next` counts from the start of the region info. */
export const CAPABILITY = new Layout({ id: 'u16', version: 'u16', next: 'u32' });
/** `VFIO_REGION_INFO_CAP_SPARSE_MMAP`: the number of areas, then the areas. */
export const CAPABILITY_SPARSE_MMAP = 1;
export const SPARSE_MMAP = new Layout({ areas: 'u32', reserved: 'u32' });
export const SPARSE_AREA = new Layout({ offset: 'u64', size: 'u64' });

/** Request, and the beginning of the reply, of DEVICE_GET_REGION_IO_FDS; `count` records of {@link IO_FD} follow. */
export const REGION_IO_FDS = new Layout({ argsz: 'u32', flags: 'u32', index: 'u32', count: 'u32' });
export const IoFdType = { IOEVENTFD: 0, IOREGIONFD: 1 } as const;
/** KVM_IOEVENTFD_FLAG_DATAMATCH. */
export const IO_FD_DATAMATCH = 1;
export const IO_FD = new Layout({
  offset: 'u64',
  size: 'u64',
  fdIndex: 'u32',
  type: 'u32',
  flags: 'u32',
  padding: 'u32',
  datamatch: 'wide',
});

/** `struct vfio_irq_info`. */
export const IrqFlag = { EVENTFD: 1, MASKABLE: 2, AUTOMASKED: 4, NORESIZE: 8 } as const;
export const IRQ_INFO = new Layout({ argsz: 'u32', flags: 'u32', index: 'u32', count: 'u32' });

/** `struct vfio_irq_set`; with DATA_BOOL a byte for each interrupt follows. */
export const IrqSetFlag = {
  DATA_NONE: 1,
  DATA_BOOL: 2,
  DATA_EVENTFD: 4,
  DATA_MASK: 7,
  ACTION_MASK: 8,
  ACTION_UNMASK: 0x10,
  ACTION_TRIGGER: 0x20,
  ACTIONS: 0x38,
} as const;
export const IRQ_SET = new Layout({ argsz: 'u32', flags: 'u32', index: 'u32', start: 'u32', count: 'u32' });

/** REGION_READ, REGION_WRITE and their replies; data follows in the read reply and the write request. */
export const REGION_ACCESS = new Layout({ offset: 'u64', region: 'u32', count: 'u32' });

/** DMA_READ, DMA_WRITE and their replies, likewise. */
export const DMA_ACCESS = new Layout({ address: 'u64', count: 'u64' });

/** REGION_WRITE_MULTI: the number of writes, then each with its 8 bytes of data; the reply is the number alone. */
export const WRITE_MULTI = new Layout({ count: 'u64' });
export const MULTI_WRITE_SIZE = REGION_ACCESS.size + 8;

/** `struct vfio_device_feature`; the feature's number is in the low 16 bits of `flags`. */
export const FeatureFlag = { INDEX_MASK: 0xffff, GET: 0x10000, SET: 0x20000, PROBE: 0x40000 } as const;
export const FEATURE = new Layout({ argsz: 'u32', flags: 'u32' });

/** Feature numbers of linux/vfio.h that have to do with migration. */
export const Feature = {
  MIGRATION: 1,
  MIG_DEVICE_STATE: 2,
  DMA_LOGGING_START: 6,
  DMA_LOGGING_STOP: 7,
  DMA_LOGGING_REPORT: 8,
  MIG_DATA_SIZE: 9,
} as const;

export const FEATURE_MIGRATION = new Layout({ flags: 'u64' });
export const FEATURE_DEVICE_STATE = new Layout({ state: 'u32', dataFd: 'u32' });
/** `data_fd` where it is not used: -1. */
export const NO_DATA_FD = 0xffff_ffff;
export const FEATURE_LOGGING_START = new Layout({ pageSize: 'u64', ranges: 'u32', reserved: 'u32' });
export const LOGGING_RANGE = new Layout({ iova: 'u64', length: 'u64' });
/** The bitmap follows in the reply. */
export const FEATURE_LOGGING_REPORT = new Layout({ iova: 'u64', length: 'u64', pageSize: 'u64' });
export const FEATURE_DATA_SIZE = new Layout({ stopCopyLength: 'u64' });

/** MIG_DATA_READ and MIG_DATA_WRITE; data follows in the read reply and the write request. */
export const MIG_DATA = new Layout({ argsz: 'u32', size: 'u32' });
