import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SnapshotOptions } from '@godwit/migration';
import { systemReason } from '@godwit/native';
import { QapiError } from '@godwit/qapi/runtime';
import type { Machine } from '../machine.js';
import { snapshotFile, snapshotTag } from './snapshot-file.js';

/** A snapshot of a machine: a file that holds the stream of a migration. */
export interface SnapshotInfo {
  readonly tag: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly savedAt: number;
}

/** Saves a machine to files and takes it back from them (savevm, loadvm, delvm); -machine snapshots=FOLDER says where. */
export class Snapshots {
  readonly #machine: Machine;
  #busy = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Oldest first. @throws QapiError without a folder */
  async list(): Promise<SnapshotInfo[]> {
    const folder = this.#folder();
    const names = await readdir(folder).catch((): string[] => []);
    const infos = await Promise.all(
      names.map(async (name): Promise<SnapshotInfo[]> => {
        const tag = snapshotTag(name);
        if (tag === undefined) return [];
        const { size, mtimeMs } = await stat(join(folder, name));
        return [{ tag, size, savedAt: mtimeMs }];
      }),
    );
    return infos.flat().sort((a, b) => a.savedAt - b.savedAt);
  }

  /**
   * Saves the machine; a guest that runs stands still meanwhile. A snapshot of that name is replaced.
   * @throws QapiError, or Error when the file cannot be written; the guest runs on
   */
  save(tag: string): Promise<void> {
    return this.#alone(async () => {
      const { guest, migrations } = this.#machine;
      migrations.refuseIfBlocked();
      const path = this.#path(tag);
      await makeFolder(this.#folder());
      await guest.stop('save-vm');
      try {
        await this.#write(path);
      } finally {
        if (guest.runState === 'save-vm') await guest.start();
      }
    });
  }

  /**
   * Puts the machine into the state that it was saved in; a guest that runs goes on from there. It stands still from the
   * start, as with QEMU, and stays so where that fails: `cont` lets it run on, for nothing of a snapshot that is of
   * another machine or cut short is loaded.
   * @throws QapiError, or Error for such a snapshot; where the pages of one are damaged, it was loaded in part, and the
   * guest runs no more before a reset
   */
  load(tag: string): Promise<void> {
    return this.#alone(async () => {
      const { guest } = this.#machine;
      const ran = guest.running;
      await guest.stop('restore-vm');
      const path = await this.#existing(tag);
      await this.#read(path);
      if (ran) await guest.start();
    });
  }

  /** Deletes it if it is there. */
  delete(tag: string): Promise<void> {
    return this.#alone(async () => {
      if (this.#machine.configuration.snapshotFolder === undefined) return;
      const file = snapshotFile(tag);
      if (file !== undefined) await rm(join(this.#folder(), file), { force: true });
    });
  }

  async #write(path: string): Promise<void> {
    const { FileWriteChannel, saveSnapshot } = await import('@godwit/migration');
    // The name appears when the snapshot is whole.
    const partial = `${path}.partial`;
    try {
      await saveSnapshot(await this.#options(), await FileWriteChannel.open(partial));
      await rename(partial, path);
    } catch (cause) {
      await rm(partial, { force: true });
      throw new Error(`Could not save '${path}': ${systemReason(cause)}`, { cause });
    }
  }

  async #read(path: string): Promise<void> {
    const { FileReadChannel, checkSnapshot, loadSnapshot } = await import('@godwit/migration');
    const options = await this.#options();
    try {
      await checkSnapshot(options, await FileReadChannel.open(path));
      const channel = await FileReadChannel.open(path);
      try {
        await loadSnapshot(options, channel);
      } catch (error) {
        this.#machine.guest.spoil();
        throw error;
      }
    } catch (cause) {
      throw new Error(`Could not load '${path}': ${systemReason(cause)}`, { cause });
    }
  }

  async #options(): Promise<SnapshotOptions> {
    const { defaultPageDigests, defaultTimeouts } = await import('@godwit/migration');
    const { hardware, guest, environment } = this.#machine;
    return {
      machine: { ...hardware.port, control: guest },
      clock: environment.clock,
      pageDigests: defaultPageDigests,
      timeouts: defaultTimeouts,
    };
  }

  async #alone(step: () => Promise<void>): Promise<void> {
    const { guest, migrations } = this.#machine;
    if (this.#busy || migrations.active || guest.runState === 'finish-migrate') {
      throw new QapiError('GenericError', "There's a migration process in progress");
    }
    this.#busy = true;
    try {
      await step();
    } finally {
      this.#busy = false;
    }
  }

  /** @throws QapiError without a folder, and for a guest that is still on its way here */
  #folder(): string {
    const { configuration, guest } = this.#machine;
    if (configuration.snapshotFolder === undefined) {
      throw new QapiError('GenericError', 'no block device can store vmstate for snapshot');
    }
    if (guest.runState === 'inmigrate') {
      throw new QapiError('GenericError', 'The guest has not been migrated here yet');
    }
    return configuration.snapshotFolder;
  }

  #path(tag: string): string {
    const folder = this.#folder();
    const file = snapshotFile(tag);
    if (file === undefined) throw new QapiError('GenericError', `Snapshot name '${tag}' is too long`);
    return join(folder, file);
  }

  async #existing(tag: string): Promise<string> {
    const folder = this.#folder();
    const file = snapshotFile(tag);
    const path = file === undefined ? undefined : join(folder, file);
    if (path === undefined || (await stat(path).catch(() => undefined)) === undefined) {
      throw new QapiError('GenericError', `Snapshot '${tag}' does not exist in one or more devices`);
    }
    return path;
  }
}

/** Makes a folder that is not there; its parent is. @throws Error */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw new Error(`Could not make the folder '${path}': ${systemReason(cause)}`, { cause });
  }
}
