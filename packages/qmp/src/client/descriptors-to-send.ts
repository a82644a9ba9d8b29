import type { Native } from '@godwit/native';
import type { CloseDescriptor } from '../descriptors/close.js';
import type { DescriptorToSend } from './types.js';

/** What QEMU takes at once; it loses the rest without a word. */
const mostDescriptors = 16;

/**
 * Descriptors for one command that are the connection's own: those that are handed over, and copies of those that are lent.
 * @throws RangeError, or the system's error where one is not open; nothing is taken then
 */
export function takeDescriptors(given: readonly DescriptorToSend[], native: Native): readonly number[] {
  if (given.length > mostDescriptors) {
    throw new RangeError(`at most ${mostDescriptors} descriptors go with one command`);
  }
  // One that is not open would break the connection when it is sent.
  for (const each of given) native.getFlags(descriptorOf(each));
  const copies: number[] = [];
  try {
    return given.map((each) => {
      if (typeof each !== 'number') return each.fd;
      const copy = native.dup(each);
      copies.push(copy);
      return copy;
    });
  } catch (error) {
    for (const copy of copies) native.close(copy);
    throw error;
  }
}

/** Closes what was handed over and will not be sent. What is not open is not the error that matters then. */
export function closeHandedOver(given: readonly DescriptorToSend[], close: CloseDescriptor): void {
  for (const each of given) {
    if (typeof each === 'number') continue;
    try {
      close(each.fd);
    } catch {
      // There was nothing to close.
    }
  }
}

function descriptorOf(given: DescriptorToSend): number {
  return typeof given === 'number' ? given : given.fd;
}
