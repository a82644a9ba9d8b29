import { VfioError } from '@godwit/vfio';
import { IRQ_SET, MULTI_WRITE_SIZE, REGION_ACCESS, WRITE_MULTI } from '../protocol/messages.js';
import type { ServedRegion } from './function.js';
import type { CommandHandler, Session } from './session.js';

interface Access {
  readonly offset: number;
  readonly region: number;
  readonly count: number;
}

export const regionRead: CommandHandler = (session, message) => {
  const access = REGION_ACCESS.read(message.payload);
  const region = checkAccess(session, access);
  if (region.read === undefined) throw new VfioError('EINVAL', `region ${access.region} cannot be read`);
  const bytes = session.scratch(REGION_ACCESS.size + access.count);
  REGION_ACCESS.write(bytes, access);
  // A region that leaves bytes out must not show what was read before.
  bytes.fill(0, REGION_ACCESS.size);
  const done = region.read(access.offset, bytes.subarray(REGION_ACCESS.size));
  if (done === undefined) session.connection.reply(message, [bytes]);
  else return done.then(() => session.connection.reply(message, [bytes]));
};

export const regionWrite: CommandHandler = (session, message) => {
  const access = REGION_ACCESS.read(message.payload);
  const data = message.payload.subarray(REGION_ACCESS.size);
  if (data.length !== access.count) {
    throw new VfioError('EINVAL', `a write of ${access.count} bytes comes with ${data.length}`);
  }
  const done = write(session, access, data);
  if (done === undefined) session.connection.reply(message, [REGION_ACCESS.encode(access)]);
  else return done.then(() => session.connection.reply(message, [REGION_ACCESS.encode(access)]));
};

export const regionWriteMulti: CommandHandler = async (session, message) => {
  const { payload } = message;
  const { count } = WRITE_MULTI.read(payload);
  if (payload.length !== WRITE_MULTI.size + count * MULTI_WRITE_SIZE) {
    throw new VfioError('EINVAL', `${count} writes do not have ${payload.length} bytes`);
  }
  const accesses = Array.from({ length: count }, (_, index) => {
    const at = WRITE_MULTI.size + index * MULTI_WRITE_SIZE;
    const access = REGION_ACCESS.read(payload, at);
    if (access.count > 8) throw new VfioError('EINVAL', 'a write of more than 8 bytes among several');
    const start = at + REGION_ACCESS.size;
    return { access, data: payload.subarray(start, start + access.count) };
  });
  for (const { access } of accesses) checkAccess(session, access);
  for (const { access, data } of accesses) await write(session, access, data);
  session.connection.reply(message, [WRITE_MULTI.encode({ count })]);
};

function write(session: Session, access: Access, data: Uint8Array): void | Promise<void> {
  const region = checkAccess(session, access);
  if (region.write === undefined) throw new VfioError('EINVAL', `region ${access.region} cannot be written`);
  return region.write(access.offset, data);
}

function checkAccess({ device, own }: Session, { region: index, offset, count }: Access): ServedRegion {
  const region = device.regions[index];
  if (region === undefined) throw new VfioError('EINVAL', `there is no region ${index}`);
  if (count > own.maxDataTransferSize)
    throw new VfioError('EINVAL', `a transfer of ${count} bytes is too large`);
  if (offset + count > region.size) {
    throw new VfioError('EINVAL', `region ${index} ends before ${offset + count}`);
  }
  return region;
}

export const setIrqs: CommandHandler = ({ connection, interrupts }, message) => {
  const request = IRQ_SET.read(message.payload);
  interrupts.set(request, message.payload.subarray(IRQ_SET.size), message.fds);
  connection.reply(message, []);
};

export const reset: CommandHandler = async ({ connection, device }, message) => {
  await device.reset();
  connection.reply(message, []);
};
