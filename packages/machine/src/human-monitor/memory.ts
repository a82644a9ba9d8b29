import type { Machine } from '../machine.js';
import { PAGE_SIZE } from '../memory/guest-memory.js';
import type { MonitorArguments } from './command.js';
import { formatDump } from './dump-format.js';
import { MonitorError } from './monitor-error.js';

/** A dump is never longer than this many bytes. */
const MAX_DUMP = 16 * PAGE_SIZE;

/** Guest memory as `x` and `xp` print it; the embedded guest's addresses are physical ones. */
export function dumpMemory({ hardware }: Machine, args: MonitorArguments): string {
  const given = args.format('format');
  const format = given?.format ?? 'x';
  if (format === 'i') throw new MonitorError('the embedded guest has no instructions to show');
  const size = format === 'c' ? 1 : (given?.size ?? 4);
  const length = size * (given?.count ?? 1);
  if (length > MAX_DUMP) throw new MonitorError(`at most ${MAX_DUMP} bytes can be shown at once`);
  const address = BigInt.asUintN(64, args.number('address'));
  const bytes = new Uint8Array(length);
  if (address + BigInt(length) > BigInt(hardware.memory.size)) {
    throw new MonitorError(`Cannot access memory at address 0x${address.toString(16)}`);
  }
  hardware.dma.read(Number(address), bytes);
  return formatDump(address, bytes, format, size);
}
