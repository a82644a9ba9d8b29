import fs from 'node:fs';
import { promisify } from 'node:util';
import type { Channel } from '../ports.js';

const open = promisify(fs.open);
const read = promisify(fs.read);
const write = promisify(fs.write);
const fsync = promisify(fs.fsync);

/** Access rights of a file that is made for a migration: a guest's memory is nobody else's business. */
const NEW_FILE_MODE = 0o600;

export interface FileChannelOptions {
  /** Byte of the file at which the stream begins; without it, where the descriptor stands. */
  readonly offset?: number;
  /** Closes the descriptor; by default as any other. */
  readonly close?: (fd: number) => void;
}

/** How a file that a migration is written to is opened: one that is there is cut off at the stream's beginning. */
export const WRITE_FLAGS = fs.constants.O_CREAT | fs.constants.O_WRONLY;

/** What both directions have in common. */
class OpenFile {
  readonly fd: number;
  readonly #close: (fd: number) => void;
  #position: number | null;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(fd: number, { offset, close = fs.closeSync }: FileChannelOptions) {
    this.fd = fd;
    this.#position = offset ?? null;
    this.#close = close;
  }

  /** Repeats `step`, which returns how many bytes it did, until all `length` are done; false where it does none first. */
  transfer(
    length: number,
    step: (done: number, position: number | null) => Promise<number>,
  ): Promise<boolean> {
    const transferring = (async () => {
      for (let done = 0; done < length; ) {
        if (this.#closed) throw new Error('the file is closed');
        const bytes = await step(done, this.#position);
        if (bytes === 0) {
          if (done === 0) return false;
          throw new Error('the file ends in the middle of a record');
        }
        done += bytes;
        if (this.#position !== null) this.#position += bytes;
      }
      return true;
    })();
    this.#last = transferring.catch(() => {});
    return transferring;
  }

  /** When what is under way is done. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#last.then(() => this.#close(this.fd));
  }
}

/** A file that a migration is written to (`file:PATH,offset=N`). Only one that has all of it is worth keeping. */
export class FileWriteChannel implements Channel {
  readonly medium = 'file';
  readonly oneWay = true;
  readonly #file: OpenFile;

  /** Owns the descriptor. */
  constructor(fd: number, options: FileChannelOptions = {}) {
    this.#file = new OpenFile(fd, options);
  }

  /** Makes the file, or overwrites it from `offset` on. */
  static async open(path: string, offset = 0): Promise<FileWriteChannel> {
    return FileWriteChannel.from(await open(path, WRITE_FLAGS, NEW_FILE_MODE), offset);
  }

  /** Overwrites an open file from `offset` on; owns the descriptor, and closes it where that fails. */
  static from(fd: number, offset: number, close: (fd: number) => void = fs.closeSync): FileWriteChannel {
    try {
      if (fs.fstatSync(fd).isFile()) fs.ftruncateSync(fd, offset);
    } catch (error) {
      close(fd);
      throw error;
    }
    return new FileWriteChannel(fd, { offset, close });
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      // A write may take less than it was given; what is left is tried again, so that a full disk says why.
      await this.#file.transfer(chunk.length, async (done, position) => {
        const { bytesWritten } = await write(this.#file.fd, chunk, done, chunk.length - done, position);
        return bytesWritten;
      });
    }
  }

  readExactly(): Promise<boolean> {
    return Promise.reject(new Error('nothing comes back from a file'));
  }

  async finish(): Promise<void> {
    try {
      await fsync(this.#file.fd);
    } catch (error) {
      // What is no file on a disk, but /dev/null, has nothing to be synced.
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
  }

  close(): void {
    this.#file.close();
  }
}

/** A file that a migration is read from. */
export class FileReadChannel implements Channel {
  readonly medium = 'file';
  readonly oneWay = true;
  readonly #file: OpenFile;

  /** Owns the descriptor. */
  constructor(fd: number, options: FileChannelOptions = {}) {
    this.#file = new OpenFile(fd, options);
  }

  static async open(path: string, offset = 0): Promise<FileReadChannel> {
    return new FileReadChannel(await open(path, fs.constants.O_RDONLY), { offset });
  }

  write(): Promise<void> {
    return Promise.reject(new Error('a file that is read takes no answer'));
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    return this.#file.transfer(into.length, async (done, position) => {
      const { bytesRead } = await read(this.#file.fd, into, done, into.length - done, position);
      return bytesRead;
    });
  }

  close(): void {
    this.#file.close();
  }
}
