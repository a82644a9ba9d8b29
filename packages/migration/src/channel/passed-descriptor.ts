import { fstatSync } from 'node:fs';
import net from 'node:net';
import { type Native, native } from '@godwit/native';
import type { Channel } from '../ports.js';
import { DescriptorChannel } from './descriptor-channel.js';
import { FileReadChannel, FileWriteChannel } from './file-channel.js';
import { StreamChannel } from './stream-channel.js';

/**
 * A channel over a descriptor that somebody else has opened (`fd:`): a connected socket, a pipe, or a file, which is read
 * or written from where it stands. Owns the descriptor.
 * @param direction which way goes over what has only one
 */
export function passedDescriptorChannel(
  fd: number,
  direction: 'write' | 'read',
  addon: Native | undefined = native,
): Channel {
  const type = fstatSync(fd);
  if (type.isSocket()) {
    return addon === undefined
      ? new StreamChannel(new net.Socket({ fd }), 'socket')
      : new DescriptorChannel(addon, fd);
  }
  if (type.isFIFO()) {
    const pipe = new net.Socket({ fd, readable: direction === 'read', writable: direction === 'write' });
    return new StreamChannel(direction === 'read' ? { readable: pipe } : { writable: pipe }, 'file');
  }
  return direction === 'read' ? new FileReadChannel(fd) : new FileWriteChannel(fd);
}
