import { type FileHandle, open } from 'node:fs/promises';
import type { Channel } from '../ports.js';

/** A file that a migration is written to (`file:PATH,offset=N`). Only one that has all of it is worth keeping. */
export class FileWriteChannel implements Channel {
  readonly oneWay = true;
  readonly #file: FileHandle;
  #position: number;
  #closed = false;
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, offset: number) {
    this.#file = file;
    this.#position = offset;
  }

  /** Creates the file, or overwrites it from `offset` on. @param mode access rights of a new file */
  static async open(path: string, offset = 0, mode = 0o600): Promise<FileWriteChannel> {
    const flags = offset === 0 ? 'w' : 'r+';
    try {
      return new FileWriteChannel(await open(path, flags, mode), offset);
    } catch (error) {
      if (offset === 0 || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new FileWriteChannel(await open(path, 'w', mode), offset);
    }
  }

  write(chunks: readonly Uint8Array[]): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the file is closed'));
    const writing = this.#writeAll(chunks);
    this.#writing = writing.catch(() => {});
    return writing;
  }

  readExactly(): Promise<boolean> {
    return Promise.reject(new Error('nothing comes back from a file'));
  }

  async finish(): Promise<void> {
    await this.#file.sync();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#writing.then(() => this.#file.close());
  }

  /** A write may take less than it was given; what is left is tried again, so that a full disk says why. */
  async #writeAll(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      for (let done = 0; done < chunk.length; ) {
        if (this.#closed) throw new Error('the file is closed');
        const { bytesWritten } = await this.#file.write(chunk, done, chunk.length - done, this.#position);
        done += bytesWritten;
        this.#position += bytesWritten;
      }
    }
  }
}

/** A file that a migration is read from. */
export class FileReadChannel implements Channel {
  readonly oneWay = true;
  readonly #file: FileHandle;
  #position: number;
  #closed = false;
  #reading: Promise<unknown> = Promise.resolve();

  private constructor(file: FileHandle, offset: number) {
    this.#file = file;
    this.#position = offset;
  }

  static async open(path: string, offset = 0): Promise<FileReadChannel> {
    return new FileReadChannel(await open(path, 'r'), offset);
  }

  write(): Promise<void> {
    return Promise.reject(new Error('a file that is read takes no answer'));
  }

  readExactly(into: Uint8Array): Promise<boolean> {
    if (this.#closed) return Promise.reject(new Error('the file is closed'));
    const reading = this.#fill(into);
    this.#reading = reading.catch(() => {});
    return reading;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.#reading.then(() => this.#file.close());
  }

  async #fill(into: Uint8Array): Promise<boolean> {
    for (let done = 0; done < into.length; ) {
      if (this.#closed) throw new Error('the file is closed');
      const { bytesRead } = await this.#file.read(into, done, into.length - done, this.#position);
      if (bytesRead === 0) {
        if (done === 0) return false;
        throw new Error('the file ends in the middle of a record');
      }
      done += bytesRead;
      this.#position += bytesRead;
    }
    return true;
  }
}
