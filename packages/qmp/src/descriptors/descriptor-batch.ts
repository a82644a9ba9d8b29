import type { CloseDescriptor } from './close.js';

/**
 * The descriptors that came with one message of a socket. Any request that was read since, until the next batch comes, may
 * take one: the first, while the rest are closed. What is not taken is closed once no request can ask for it any more.
 */
export class DescriptorBatch {
  readonly #close: CloseDescriptor;
  #fds: readonly number[];
  #requests = 0;
  #superseded = false;

  constructor(fds: readonly number[], close: CloseDescriptor) {
    this.#fds = [...fds];
    this.#close = close;
  }

  /** A request was read that may use it. */
  retain(): void {
    this.#requests++;
  }

  /** That request is done. */
  release(): void {
    this.#requests--;
    if (this.#superseded && this.#requests === 0) this.close();
  }

  /** A newer batch came: only requests that were read before may still use this one. */
  supersede(): void {
    this.#superseded = true;
    if (this.#requests === 0) this.close();
  }

  take(): number | undefined {
    const [first, ...rest] = this.#fds;
    this.#fds = [];
    for (const fd of rest) this.#close(fd);
    return first;
  }

  close(): void {
    const fds = this.#fds;
    this.#fds = [];
    for (const fd of fds) this.#close(fd);
  }
}
