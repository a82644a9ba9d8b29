import { closeSync, constants, createWriteStream, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { isatty, ReadStream, WriteStream } from 'node:tty';
import { systemReason } from '@godwit/native';
import { StreamTransport, type Transport } from '@godwit/qmp';

const FLAGS = constants.O_RDWR | constants.O_NONBLOCK;

/**
 * A serial port of the host (-chardev serial), as a line that carries every byte as it is. Its speed and format stay as
 * they are set (stty). A device that is no terminal is only written.
 * @throws Error when it cannot be opened
 */
export function serialTransport(path: string): Transport {
  const fd = openDevice(path);
  if (!isatty(fd)) {
    const input = new Readable({ read() {} });
    return new StreamTransport({ input, output: createWriteStream('', { fd }) });
  }
  let input: ReadStream | undefined;
  try {
    input = new ReadStream(fd);
    input.setRawMode(true);
    return new StreamTransport({ input, output: new WriteStream(fd) });
  } catch (cause) {
    input?.destroy();
    throw new Error(`Could not open '${path}': ${systemReason(cause)}`, { cause });
  } finally {
    // Node opens a terminal anew for each stream.
    closeSync(fd);
  }
}

/**
 * A parallel port of the host is claimed with a system call that nothing here makes, so that none is found.
 * @throws Error always
 */
export function refuseParallelPort(path: string): never {
  closeSync(openDevice(path));
  throw new Error('not a parallel port: Inappropriate ioctl for device');
}

function openDevice(path: string): number {
  try {
    return openSync(path, FLAGS);
  } catch (cause) {
    throw new Error(`Could not open '${path}': ${systemReason(cause)}`, { cause });
  }
}
