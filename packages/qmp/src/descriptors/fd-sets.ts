import { constants } from 'node:fs';
import { QmpError } from '../server/dispatcher.js';

/** What fd sets need of the system; `Native` of @godwit/native has it. */
export interface DescriptorOperations {
  close(fd: number): void;
  dup(fd: number): number;
  /** `fcntl(F_GETFL)` */
  getFlags(fd: number): number;
}

/** What `add-fd` returns (QAPI schema: AddfdInfo). */
export interface AddfdInfo {
  'fdset-id': bigint;
  fd: bigint;
}

/** What `query-fdsets` returns of a set (QAPI schema: FdsetInfo). */
export interface FdsetInfo {
  'fdset-id': bigint;
  fds: { fd: bigint; opaque?: string }[];
}

interface FdSet {
  readonly fds: { readonly fd: number; readonly opaque: string | undefined }[];
  /** Duplicates that were opened through the set; it stays while there are some. */
  readonly duplicates: Set<number>;
}

/** The access mode, and whether the cache is bypassed: what has to match when a set is opened as a file. */
const accessMask = constants.O_RDONLY | constants.O_WRONLY | constants.O_RDWR | constants.O_DIRECT;

/** The number is read as `strtol` does, and has to fit an `int`. */
const fdsetPath = /^\/dev\/fdset\/[ \t\n\v\f\r]*\+?([0-9]+)$/;
const largestPathId = 2n ** 31n - 1n;

/** The set that a path names. */
function setOfPath(path: string): bigint | undefined {
  const digits = fdsetPath.exec(path)?.[1];
  const id = digits === undefined ? undefined : BigInt(digits);
  return id !== undefined && id <= largestPathId ? id : undefined;
}

/**
 * Descriptors that clients have handed over for files that the machine opens as `/dev/fdset/N` (`add-fd`, `remove-fd`,
 * `query-fdsets`). They belong to the machine, not to a monitor. Owns the descriptors of the sets; a duplicate that was
 * opened belongs to whoever opened it.
 */
export class FdSets {
  readonly #operations: DescriptorOperations;
  readonly #sets = new Map<bigint, FdSet>();

  constructor(operations: DescriptorOperations) {
    this.#operations = operations;
  }

  /**
   * `add-fd`: takes ownership of `fd`, and closes it when it cannot be added.
   * @param id the set; without one a new set with the lowest free id
   * @throws QmpError
   */
  add(fd: number | undefined, id?: bigint, opaque?: string): AddfdInfo {
    if (fd === undefined) throw new QmpError('GenericError', 'No file descriptor supplied via SCM_RIGHTS');
    if (id !== undefined && id < 0n) {
      this.#operations.close(fd);
      throw new QmpError('GenericError', "Parameter 'fdset-id' expects a non-negative value");
    }
    const setId = id ?? this.#lowestFreeId();
    let set = this.#sets.get(setId);
    if (set === undefined) {
      set = { fds: [], duplicates: new Set() };
      this.#sets.set(setId, set);
    }
    set.fds.push({ fd, opaque });
    return { 'fdset-id': setId, fd: BigInt(fd) };
  }

  /** `remove-fd`: closes one descriptor of a set, or all of them. @throws QmpError when there is none */
  remove(id: bigint, fd?: bigint): void {
    const set = this.#sets.get(id);
    const removed =
      set === undefined ? [] : set.fds.filter((entry) => fd === undefined || BigInt(entry.fd) === fd);
    if (set === undefined || (fd !== undefined && removed.length === 0)) {
      const name = fd === undefined ? `fdset-id:${id}` : `fdset-id:${id}, fd:${fd}`;
      throw new QmpError('GenericError', `File descriptor named '${name}' not found`);
    }
    for (const entry of removed) {
      set.fds.splice(set.fds.indexOf(entry), 1);
      this.#operations.close(entry.fd);
    }
    this.#dropIfEmpty(id, set);
  }

  /** `query-fdsets`: sets by descending id, descriptors in the order in which they were added. */
  query(): FdsetInfo[] {
    return [...this.#sets]
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([id, { fds }]) => ({
        'fdset-id': id,
        fds: fds.map(({ fd, opaque }) =>
          opaque === undefined ? { fd: BigInt(fd) } : { fd: BigInt(fd), opaque },
        ),
      }));
  }

  /** Whether a path names a set, so that {@link open} is to be used instead of the system's. */
  static isPath(path: string): boolean {
    return setOfPath(path) !== undefined;
  }

  /** Whether there is the set that a path names. */
  has(path: string): boolean {
    const id = setOfPath(path);
    return id !== undefined && this.#sets.has(id);
  }

  /**
   * Opens `/dev/fdset/N`: a duplicate of the first descriptor whose access mode (and O_DIRECT) is that of `flags`. The
   * caller owns it and closes it with {@link close}.
   * @throws QmpError
   */
  open(path: string, flags: number): number {
    const id = setOfPath(path);
    const set = id === undefined ? undefined : this.#sets.get(id);
    if (set === undefined) throw new QmpError('GenericError', `Failed to find fdset ${path}`);
    const matching = set.fds.find(
      ({ fd }) => (this.#operations.getFlags(fd) & accessMask) === (flags & accessMask),
    );
    if (matching === undefined) {
      throw new QmpError(
        'GenericError',
        `Failed to find file descriptor with matching flags=0x${flags.toString(16)}`,
      );
    }
    const duplicate = this.#operations.dup(matching.fd);
    set.duplicates.add(duplicate);
    return duplicate;
  }

  /** Closes a duplicate that {@link open} gave out. A set that has nothing left is gone then. */
  close(duplicate: number): void {
    this.release(duplicate);
    this.#operations.close(duplicate);
  }

  /** Forgets a duplicate that its owner has closed, or will, in another way. */
  release(duplicate: number): void {
    for (const [id, set] of this.#sets) {
      if (set.duplicates.delete(duplicate)) {
        this.#dropIfEmpty(id, set);
        return;
      }
    }
  }

  /** Closes all descriptors of all sets, when the machine goes away. */
  closeAll(): void {
    const sets = [...this.#sets.values()];
    this.#sets.clear();
    for (const { fds } of sets) for (const { fd } of fds) this.#operations.close(fd);
  }

  #lowestFreeId(): bigint {
    let id = 0n;
    while (this.#sets.has(id)) id++;
    return id;
  }

  #dropIfEmpty(id: bigint, set: FdSet): void {
    if (set.fds.length === 0 && set.duplicates.size === 0) this.#sets.delete(id);
  }
}
