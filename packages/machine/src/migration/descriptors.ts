import { fstatSync } from 'node:fs';
import {
  type Channel,
  FileReadChannel,
  FileWriteChannel,
  passedDescriptorChannel,
  WRITE_FLAGS,
} from '@godwit/migration';
import { systemReason } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import { FdSets, QmpError } from '@godwit/qmp';
import type { FileMigrationArgs } from '../generated/index.js';
import type { Place } from './address.js';

/**
 * `fd:NAME`, of a descriptor that the monitor's client has passed, or, to migrate from, `fd:N` of one that the process was
 * started with.
 * @throws QapiError when there is none
 */
export function migrationDescriptor(
  name: string,
  direction: 'write' | 'read',
  { descriptors }: Place,
): Channel {
  const inherited = direction === 'read' && /^\d/.test(name);
  const fd = inherited ? inheritedDescriptor(name) : descriptors?.take(name);
  if (fd === undefined) {
    throw new QapiError('GenericError', `File descriptor named '${name}' has not been found`);
  }
  return passedDescriptorChannel(fd, direction);
}

/** @throws QapiError when the process has no such descriptor */
function inheritedDescriptor(text: string): number {
  if (!/^\d+$/.test(text)) throw new QapiError('GenericError', `Invalid file descriptor number '${text}'`);
  const fd = Number(text);
  try {
    fstatSync(fd);
    return fd;
  } catch (cause) {
    throw new QapiError('GenericError', `Unable to use file descriptor ${text}: ${systemReason(cause)}`, {
      cause,
    });
  }
}

/** `file:PATH` and `file:/dev/fdset/N` to migrate to. Rejects when it cannot be written. */
export function openForWriting(fdSets: FdSets, { filename, offset }: FileMigrationArgs): Promise<Channel> {
  return opened(filename, async () => {
    if (!FdSets.isPath(filename)) return FileWriteChannel.open(filename, Number(offset));
    const fd = fdSets.open(filename, WRITE_FLAGS);
    return FileWriteChannel.from(fd, Number(offset), (duplicate) => fdSets.close(duplicate));
  });
}

/** `file:PATH` and `file:/dev/fdset/N` to migrate from. Rejects when it cannot be read. */
export function openForReading(fdSets: FdSets, { filename, offset }: FileMigrationArgs): Promise<Channel> {
  return opened(filename, async () => {
    if (!FdSets.isPath(filename)) return FileReadChannel.open(filename, Number(offset));
    const fd = fdSets.open(filename, 0);
    return new FileReadChannel(fd, {
      offset: Number(offset),
      close: (duplicate) => fdSets.close(duplicate),
    });
  });
}

async function opened(filename: string, open: () => Promise<Channel>): Promise<Channel> {
  try {
    return await open();
  } catch (cause) {
    if (cause instanceof QmpError) throw cause;
    throw new Error(`Unable to open ${filename}: ${systemReason(cause)}`, { cause });
  }
}
