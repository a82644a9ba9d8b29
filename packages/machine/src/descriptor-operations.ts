import { closeSync } from 'node:fs';
import { type Native, NativeUnavailableError } from '@godwit/native';
import type { DescriptorOperations } from '@godwit/qmp';

/** What descriptor sets need of the system. Without the addon no descriptor can arrive, so nothing but closing is ever asked for. */
export function descriptorOperations(native: Native | undefined): DescriptorOperations {
  if (native !== undefined) return native;
  const unavailable = (): never => {
    throw new NativeUnavailableError('passing descriptors', 'it is not loaded');
  };
  return { close: closeSync, dup: unavailable, getFlags: unavailable };
}
