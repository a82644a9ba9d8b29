import { ProtocolError } from '../protocol/errors.js';
import { Command, DEVICE_INFO, IRQ_INFO, REGION_INFO, RegionFlag } from '../protocol/messages.js';
import {
  decodeRegionInformation,
  type IrqInformation,
  type RegionInformation,
} from './device-information.js';
import type { Requester } from './requester.js';

/** What a server says of its device. */
export interface DeviceInformation {
  /** VFIO_DEVICE_FLAGS_*. */
  readonly flags: number;
  readonly irqs: readonly IrqInformation[];
}

/** QEMU's limits. */
const MAX_REGIONS = 100;
const MAX_IRQS = 50;
const MAX_REGION_INFO = 64 * 1024;

/** Asks for all of a device's regions, into `regions` one by one, as each can bring a descriptor; and for its interrupts. */
export async function inspectDevice(
  requester: Requester,
  regions: RegionInformation[],
): Promise<DeviceInformation> {
  const size = DEVICE_INFO.size;
  const request = DEVICE_INFO.encode({ argsz: size, flags: 0, regions: 0, irqs: 0 });
  const { payload } = await requester.ask(Command.DEVICE_GET_INFO, [request], { min: size, max: size });
  const info = DEVICE_INFO.read(payload);
  if (info.regions > MAX_REGIONS || info.irqs > MAX_IRQS) {
    throw new ProtocolError(`the device has ${info.regions} regions and ${info.irqs} interrupt types`);
  }
  for (let index = 0; index < info.regions; index++) regions.push(await askRegion(requester, index));
  const irqs: IrqInformation[] = [];
  for (let index = 0; index < info.irqs; index++) irqs.push(await askIrq(requester, index));
  return { flags: info.flags, irqs };
}

async function askRegion(requester: Requester, index: number): Promise<RegionInformation> {
  let argsz = REGION_INFO.size;
  for (;;) {
    const fields = { argsz, flags: 0, index, capOffset: 0, size: 0, offset: 0 };
    const expected = { min: REGION_INFO.size, max: argsz, fds: 1 };
    const reply = await requester.ask(Command.DEVICE_GET_REGION_INFO, [REGION_INFO.encode(fields)], expected);
    try {
      const info = REGION_INFO.read(reply.payload);
      if (info.index !== index) throw new ProtocolError(`asked for region ${index}, told of ${info.index}`);
      if (info.argsz <= argsz) {
        const fd = (info.flags & RegionFlag.MMAP) !== 0 ? reply.fds[0] : undefined;
        const region = decodeRegionInformation(info, reply.payload, fd);
        if (fd !== undefined) reply.fds.splice(0, 1);
        return region;
      }
      if (info.argsz > MAX_REGION_INFO) {
        throw new ProtocolError(`region ${index} has ${info.argsz} bytes of information`);
      }
      argsz = info.argsz;
    } finally {
      requester.drop(reply);
    }
  }
}

async function askIrq(requester: Requester, index: number): Promise<IrqInformation> {
  const size = IRQ_INFO.size;
  const request = IRQ_INFO.encode({ argsz: size, flags: 0, index, count: 0 });
  const { payload } = await requester.ask(Command.DEVICE_GET_IRQ_INFO, [request], { min: size, max: size });
  const { count, flags } = IRQ_INFO.read(payload);
  return { index, count, flags };
}
