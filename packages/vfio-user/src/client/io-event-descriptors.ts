import { ProtocolError } from '../protocol/errors.js';
import { Command, IO_FD, IO_FD_DATAMATCH, IoFdType, REGION_IO_FDS } from '../protocol/messages.js';
import type { Requester } from './requester.js';

/** A write to `[offset, offset + size)` of a region that may be signalled by an eventfd instead. */
export interface IoEventDescriptor {
  readonly offset: number;
  /** 0: a write of any size. */
  readonly size: number;
  /** The value that is written; absent: any. */
  readonly datamatch?: bigint;
  /** Several may have the same one. */
  readonly fd: number;
}

const MAX_IO_FDS = 1024;
const MAX_FDS = 16;

/** Asks for the eventfds of a region of `size` bytes. The descriptors belong to the caller. */
export async function askIoEvents(
  requester: Requester,
  index: number,
  size: number,
): Promise<IoEventDescriptor[]> {
  let argsz = REGION_IO_FDS.size;
  for (;;) {
    const request = REGION_IO_FDS.encode({ argsz, flags: 0, index, count: 0 });
    const expected = { min: REGION_IO_FDS.size, max: argsz, fds: MAX_FDS };
    const reply = await requester.ask(Command.DEVICE_GET_REGION_IO_FDS, [request], expected);
    try {
      const head = REGION_IO_FDS.read(reply.payload);
      if (head.count > MAX_IO_FDS)
        throw new ProtocolError(`region ${index} has ${head.count} io descriptors`);
      const full = REGION_IO_FDS.size + head.count * IO_FD.size;
      if (full > argsz) {
        argsz = full;
        continue;
      }
      const events = Array.from({ length: head.count }, (_, position) =>
        readEvent(reply.payload, position, reply.fds, size),
      );
      const used = new Set(events.map(({ fd }) => fd));
      reply.fds.splice(0, reply.fds.length, ...reply.fds.filter((fd) => !used.has(fd)));
      return events;
    } finally {
      requester.drop(reply);
    }
  }
}

function readEvent(
  payload: Buffer,
  position: number,
  fds: readonly number[],
  regionSize: number,
): IoEventDescriptor {
  const record = IO_FD.read(payload, REGION_IO_FDS.size + position * IO_FD.size);
  const { offset, size, fdIndex, type, flags, datamatch } = record;
  const fd = fds[fdIndex];
  if (type !== IoFdType.IOEVENTFD || fd === undefined || offset + size > regionSize) {
    throw new ProtocolError('an io descriptor of no known type, outside of its region, or not sent');
  }
  return { offset, size, fd, ...((flags & IO_FD_DATAMATCH) !== 0 && { datamatch }) };
}
