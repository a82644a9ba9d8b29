import { constants, createWriteStream, ftruncateSync, type WriteStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { systemReason } from '@godwit/native';
import { FdSets, type Transport } from '@godwit/qmp';
import { WrappedTransport } from './wrapped-transport.js';

/** More than this waits for no disk. */
const WAITING_LIMIT = 1 << 24;

/** Keeps what a character device is given to write (logfile=), whether somebody reads it or not. */
export class LogFile {
  readonly #stream: WriteStream;

  /** `/dev/fdset/N` is a descriptor that a client handed over. @throws Error when it cannot be opened */
  static async open(
    { path, append }: { readonly path: string; readonly append: boolean },
    fdSets: FdSets,
    warn: (message: string) => void,
  ): Promise<LogFile> {
    const onError = (cause: Error) => warn(`log file ${path}: ${systemReason(cause)}`);
    if (FdSets.isPath(path)) {
      const fd = fdSets.open(path, constants.O_WRONLY);
      try {
        if (!append) ftruncateSync(fd, 0);
      } catch (cause) {
        fdSets.close(fd);
        throw new Error(`Could not create '${path}': ${systemReason(cause)}`, { cause });
      }
      const stream = createWriteStream('', { fd });
      stream.once('close', () => fdSets.release(fd));
      return new LogFile(stream, onError);
    }
    let file: FileHandle;
    try {
      file = await open(path, append ? 'a' : 'w', 0o666);
    } catch (cause) {
      throw new Error(`Could not create '${path}': ${systemReason(cause)}`, { cause });
    }
    return new LogFile(file.createWriteStream(), onError);
  }

  private constructor(stream: WriteStream, onError: (error: Error) => void) {
    this.#stream = stream;
    this.#stream.on('error', onError);
  }

  write(bytes: Uint8Array): void {
    if (this.#stream.writableLength < WAITING_LIMIT) this.#stream.write(Uint8Array.from(bytes));
  }

  /** A connection whose output is kept. */
  around(transport: Transport): Transport {
    return new LoggedTransport(transport, this);
  }

  /** Resolves when all is written. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stream.closed) resolve();
      else this.#stream.once('close', resolve).end();
    });
  }
}

class LoggedTransport extends WrappedTransport {
  readonly #log: LogFile;

  constructor(inner: Transport, log: LogFile) {
    super(inner);
    this.#log = log;
  }

  override write(bytes: Uint8Array, fds?: readonly number[]): boolean {
    this.#log.write(bytes);
    return super.write(bytes, fds);
  }
}
