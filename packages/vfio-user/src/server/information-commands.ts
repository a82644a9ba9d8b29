import { VfioError } from '@godwit/vfio';
import {
  CAPABILITY,
  CAPABILITY_SPARSE_MMAP,
  DEVICE_INFO,
  DeviceFlag,
  IO_FD,
  IO_FD_DATAMATCH,
  IoFdType,
  IRQ_INFO,
  REGION_INFO,
  REGION_IO_FDS,
  RegionFlag,
  SPARSE_AREA,
  SPARSE_MMAP,
} from '../protocol/messages.js';
import { PciIrq, PciRegion } from '../protocol/pci-indexes.js';
import type { IoEvent, RegionMapping } from './function.js';
import { irqFlags } from './interrupts.js';
import type { CommandHandler } from './session.js';

export const getInfo: CommandHandler = ({ connection }, message) => {
  const { argsz } = DEVICE_INFO.read(message.payload);
  requireRoom(argsz, DEVICE_INFO.size);
  const reply = {
    argsz: DEVICE_INFO.size,
    flags: DeviceFlag.RESET | DeviceFlag.PCI,
    regions: PciRegion.COUNT,
    irqs: PciIrq.COUNT,
  };
  connection.reply(message, [DEVICE_INFO.encode(reply)]);
};

export const getRegionInfo: CommandHandler = ({ native, connection, device }, message) => {
  const { argsz, index } = REGION_INFO.read(message.payload);
  requireRoom(argsz, REGION_INFO.size);
  if (index >= PciRegion.COUNT) throw new VfioError('EINVAL', `there is no region ${index}`);
  const region = device.regions[index];
  const mapping = region?.mapping;
  const capabilities = mapping?.areas === undefined ? Buffer.alloc(0) : encodeSparseMmap(mapping.areas);
  const full = REGION_INFO.size + capabilities.length;
  // A client that asked for less than there is gets the size to ask for, and asks again.
  const whole = argsz >= full;
  const info = REGION_INFO.encode({
    argsz: full,
    flags:
      (region?.read ? RegionFlag.READ : 0) |
      (region?.write ? RegionFlag.WRITE : 0) |
      (mapping ? RegionFlag.MMAP : 0) |
      (capabilities.length > 0 ? RegionFlag.CAPS : 0),
    index,
    capOffset: whole && capabilities.length > 0 ? REGION_INFO.size : 0,
    size: region?.size ?? 0,
    offset: mapping?.offset ?? 0,
  });
  const fds = mapping !== undefined && whole ? [native.dup(mapping.fd)] : [];
  connection.reply(message, whole ? [info, capabilities] : [info], fds);
};

function encodeSparseMmap(areas: NonNullable<RegionMapping['areas']>): Buffer {
  return Buffer.concat([
    CAPABILITY.encode({ id: CAPABILITY_SPARSE_MMAP, version: 1, next: 0 }),
    SPARSE_MMAP.encode({ areas: areas.length, reserved: 0 }),
    ...areas.map((area) => SPARSE_AREA.encode(area)),
  ]);
}

export const getRegionIoFds: CommandHandler = (session, message) => {
  const { argsz, flags, index } = REGION_IO_FDS.read(message.payload);
  requireRoom(argsz, REGION_IO_FDS.size);
  if (flags !== 0 || index >= PciRegion.COUNT) throw new VfioError('EINVAL', `there is no region ${index}`);
  const events = session.device.regions[index]?.ioEvents ?? [];
  if (events.length > session.peer.maxMessageFds) {
    throw new VfioError('EINVAL', `the client takes fewer than ${events.length} descriptors`);
  }
  const full = REGION_IO_FDS.size + events.length * IO_FD.size;
  const whole = argsz >= full;
  const header = REGION_IO_FDS.encode({ argsz: full, flags: 0, index, count: events.length });
  if (!whole) {
    session.connection.reply(message, [header]);
    return;
  }
  session.connection.reply(
    message,
    [header, ...events.map(encodeIoEvent)],
    session.ioEventfds.descriptors(index),
  );
};

function encodeIoEvent({ offset, size, datamatch }: IoEvent, fdIndex: number): Buffer {
  return IO_FD.encode({
    offset,
    size,
    fdIndex,
    type: IoFdType.IOEVENTFD,
    flags: datamatch === undefined ? 0 : IO_FD_DATAMATCH,
    padding: 0,
    datamatch: datamatch ?? 0n,
  });
}

export const getIrqInfo: CommandHandler = ({ connection, interrupts }, message) => {
  const { argsz, index } = IRQ_INFO.read(message.payload);
  requireRoom(argsz, IRQ_INFO.size);
  if (index >= PciIrq.COUNT) throw new VfioError('EINVAL', `there is no interrupt type ${index}`);
  const count = interrupts.count(index);
  const reply = { argsz: IRQ_INFO.size, flags: irqFlags(index, count), index, count };
  connection.reply(message, [IRQ_INFO.encode(reply)]);
};

function requireRoom(argsz: number, size: number): void {
  if (argsz < size) throw new VfioError('EINVAL', `a reply needs ${size} bytes, not ${argsz}`);
}
