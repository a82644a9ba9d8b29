import { VfioError } from '@godwit/vfio';
import type { Session } from './session.js';

const MIN_PAGE_SIZE = 4096;

/** Whole 64-bit words of a bitmap with a bit for each page, in bytes. EINVAL: there are no pages. */
export function bitmapSize(length: number, pageSize: number): number {
  if (pageSize < MIN_PAGE_SIZE || length === 0) throw new VfioError('EINVAL', 'a report of no pages');
  return Math.ceil(Math.ceil(length / pageSize) / 64) * 8;
}

/** Which pages the device wrote since they were last asked for. E2BIG: more than the client was told it may ask for. */
export async function takeDirtyBitmap(
  { dma, own }: Session,
  iova: number,
  length: number,
  pageSize: number,
): Promise<Buffer> {
  const bytes = bitmapSize(length, pageSize);
  const limit = own.migration?.maxBitmapSize ?? 0;
  if (bytes > limit) throw new VfioError('E2BIG', `a bitmap of ${bytes} bytes exceeds ${limit}`);
  const bitmap = new Uint32Array(bytes / 4);
  await dma.logger.report(iova, length, pageSize, bitmap);
  return Buffer.from(bitmap.buffer);
}
