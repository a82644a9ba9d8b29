import type { Native } from '@godwit/native';
import { VfioError } from '@godwit/vfio';
import { Command, DMA_MAP, DMA_UNMAP, DmaMapFlag, DmaUnmapFlag, UNMAP_BITMAP } from '../protocol/messages.js';
import type { ClientMemory, MemoryRange } from './client-memory.js';
import { bitmapBytes, markDirtyPages } from './dirty-pages.js';
import type { Requester } from './requester.js';

/** Of the bitmap that is asked for with an unmapping. */
const PAGE_SIZE = 4096;

/** Tells the server of memory, and the memory of the range. */
export async function mapMemory(
  native: Native,
  requester: Requester,
  memory: ClientMemory,
  range: MemoryRange,
): Promise<void> {
  memory.add(range);
  const flags = DmaMapFlag.READ | ((range.writable ?? true) ? DmaMapFlag.WRITE : 0);
  const { address, bytes, file } = range;
  const fields = { argsz: DMA_MAP.size, flags, offset: file?.offset ?? 0, address, size: bytes.length };
  try {
    const fds = file === undefined ? [] : [native.dup(file.fd)];
    await requester.ask(Command.DMA_MAP, [DMA_MAP.encode(fields)], {}, fds);
  } catch (error) {
    memory.remove(address);
    throw error;
  }
}

/** Takes a range away from the server. While DMA is logged, it is asked first which of its pages it wrote. */
export async function unmapMemory(
  requester: Requester,
  memory: ClientMemory,
  address: number,
): Promise<void> {
  const { length: size } = memory.remove(address).bytes;
  const { logger } = memory;
  if (!logger.active) {
    await unmap(requester, { flags: 0, address, size });
    return;
  }
  try {
    markDirtyPages(logger, address, PAGE_SIZE, await unmapLogged(requester, address, size));
  } catch (error) {
    if (!(error instanceof VfioError)) throw error;
    // A server that cannot tell: it may have written to all of it.
    await unmap(requester, { flags: 0, address, size });
    logger.mark(address, size);
  }
}

/** Takes all ranges away. */
export async function unmapAllMemory(requester: Requester, memory: ClientMemory): Promise<void> {
  if (memory.logger.active) {
    for (const { address } of [...memory.ranges]) await unmapMemory(requester, memory, address);
    return;
  }
  memory.clear();
  await unmap(requester, { flags: DmaUnmapFlag.ALL, address: 0, size: 0 });
}

async function unmap(
  requester: Requester,
  request: { flags: number; address: number; size: number },
): Promise<void> {
  const { size } = DMA_UNMAP;
  await requester.ask(Command.DMA_UNMAP, [DMA_UNMAP.encode({ argsz: size, ...request })], { max: size });
}

/** Returns the bitmap of the pages that the server wrote. */
async function unmapLogged(requester: Requester, address: number, size: number): Promise<Buffer> {
  const bitmap = { pageSize: PAGE_SIZE, size: bitmapBytes(size, PAGE_SIZE) };
  const argsz = DMA_UNMAP.size + UNMAP_BITMAP.size + bitmap.size;
  const request = DMA_UNMAP.encode({ argsz, flags: DmaUnmapFlag.GET_DIRTY_BITMAP, address, size });
  const { payload } = await requester.ask(Command.DMA_UNMAP, [request, UNMAP_BITMAP.encode(bitmap)], {
    min: argsz,
    max: argsz,
  });
  return payload.subarray(argsz - bitmap.size);
}
