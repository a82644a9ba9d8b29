import { VfioError } from '@godwit/vfio';
import type { Connection } from '../protocol/connection.js';
import { Command, commandName, DMA_ACCESS } from '../protocol/messages.js';
import type { Message } from '../protocol/receiver.js';
import type { ClientMemory } from './client-memory.js';

/**
 * Answers a command of the server: its DMA by messages, at most `maxTransfer` bytes at once. Tells of what it wrote.
 * Throws a VfioError to reply for anything else, and for an access outside of the memory.
 */
export function serveDma(
  memory: ClientMemory,
  maxTransfer: number,
  connection: Connection,
  message: Message,
): { readonly address: number; readonly length: number } | undefined {
  if (message.command !== Command.DMA_READ && message.command !== Command.DMA_WRITE) {
    throw new VfioError('EINVAL', `a server may not send ${commandName(message.command)}`);
  }
  const { address, count } = DMA_ACCESS.read(message.payload);
  if (count > maxTransfer) throw new VfioError('EINVAL', `a transfer of ${count} bytes is too large`);
  if (message.command === Command.DMA_READ) {
    connection.reply(message, [DMA_ACCESS.encode({ address, count }), memory.read(address, count)]);
    return undefined;
  }
  const data = message.payload.subarray(DMA_ACCESS.size);
  if (data.length !== count) {
    throw new VfioError('EINVAL', `a write of ${count} bytes comes with ${data.length}`);
  }
  memory.write(address, data);
  connection.reply(message, [DMA_ACCESS.encode({ address, count })]);
  return { address, length: count };
}
