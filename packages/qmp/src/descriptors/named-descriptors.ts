import { QmpError } from '../server/dispatcher.js';
import type { CloseDescriptor } from './close.js';

/** The descriptors that a monitor's clients gave names to (`getfd`, `closefd`). Owns them. */
export class NamedDescriptors {
  readonly #close: CloseDescriptor;
  readonly #descriptors = new Map<string, number>();

  constructor(close: CloseDescriptor) {
    this.#close = close;
  }

  get size(): number {
    return this.#descriptors.size;
  }

  /**
   * `getfd`: takes ownership of `fd`. A descriptor that had the name before is closed.
   * @throws QmpError when the name starts with a digit; `fd` is closed then
   */
  add(name: string, fd: number | undefined): void {
    if (fd === undefined) throw new QmpError('GenericError', 'No file descriptor supplied via SCM_RIGHTS');
    if (/^[0-9]/.test(name)) {
      this.#close(fd);
      throw new QmpError('GenericError', "Parameter 'fdname' expects a name not starting with a digit");
    }
    const replaced = this.#descriptors.get(name);
    this.#descriptors.set(name, fd);
    if (replaced !== undefined) this.#close(replaced);
  }

  /** `closefd`. @throws QmpError when there is no such name */
  close(name: string): void {
    const fd = this.#descriptors.get(name);
    if (fd === undefined) throw new QmpError('GenericError', `File descriptor named '${name}' not found`);
    this.#descriptors.delete(name);
    this.#close(fd);
  }

  /** Takes a descriptor out for use: the name is gone and the caller owns it. @throws QmpError when there is no such name */
  take(name: string): number {
    const fd = this.#descriptors.get(name);
    if (fd === undefined) {
      throw new QmpError('GenericError', `File descriptor named '${name}' has not been found`);
    }
    this.#descriptors.delete(name);
    return fd;
  }

  /** Closes all of them, when the monitor goes away. */
  closeAll(): void {
    const descriptors = [...this.#descriptors.values()];
    this.#descriptors.clear();
    for (const fd of descriptors) this.#close(fd);
  }
}
