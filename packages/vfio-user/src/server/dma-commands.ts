import { VfioError } from '@godwit/vfio';
import { DMA_MAP, DMA_UNMAP, DmaMapFlag, DmaUnmapFlag, UNMAP_BITMAP } from '../protocol/messages.js';
import { bitmapSize, takeDirtyBitmap } from './dirty-bitmap.js';
import type { CommandHandler, Session } from './session.js';

export const dmaMap: CommandHandler = ({ connection, dma }, message) => {
  const { flags, offset, address, size } = DMA_MAP.read(message.payload);
  if (message.fds.length > 1) throw new VfioError('EINVAL', 'more than one descriptor for a DMA range');
  const readable = (flags & DmaMapFlag.READ) !== 0;
  const writable = (flags & DmaMapFlag.WRITE) !== 0;
  if (!readable && !writable)
    throw new VfioError('EINVAL', 'a DMA range that can neither be read nor written');
  dma.map({ address, size, readable, writable }, message.fds[0], offset);
  connection.reply(message, []);
};

export const dmaUnmap: CommandHandler = async (session, message) => {
  const { connection, dma } = session;
  const { flags, address, size } = DMA_UNMAP.read(message.payload);
  const range = message.payload.subarray(0, DMA_UNMAP.size);
  switch (flags) {
    case 0:
      dma.unmap(address, size);
      connection.reply(message, [range]);
      break;
    case DmaUnmapFlag.ALL:
      if (address !== 0 || size !== 0) throw new VfioError('EINVAL', 'all ranges are unmapped, or one');
      dma.unmapAll();
      connection.reply(message, [range]);
      break;
    case DmaUnmapFlag.GET_DIRTY_BITMAP: {
      dma.requireMap(address, size);
      const bitmap = await finalDirtyPages(session, message.payload);
      dma.unmap(address, size);
      connection.reply(message, [range, bitmap]);
      break;
    }
    default:
      throw new VfioError('EINVAL', `an unmapping with the flags 0x${flags.toString(16)}`);
  }
};

/** `struct vfio_bitmap` as asked for, and the bitmap. */
async function finalDirtyPages(session: Session, payload: Buffer): Promise<Buffer> {
  const { argsz, address, size } = DMA_UNMAP.read(payload);
  const wanted = UNMAP_BITMAP.read(payload, DMA_UNMAP.size);
  const needed = bitmapSize(size, wanted.pageSize);
  if (wanted.size !== needed) {
    throw new VfioError('EINVAL', `a bitmap of ${needed} bytes, where ${wanted.size} are asked for`);
  }
  const full = DMA_UNMAP.size + UNMAP_BITMAP.size + needed;
  if (argsz < full) throw new VfioError('EINVAL', `a reply needs ${full} bytes, not ${argsz}`);
  const bitmap = await takeDirtyBitmap(session, address, size, wanted.pageSize);
  return Buffer.concat([UNMAP_BITMAP.encode(wanted), bitmap]);
}
