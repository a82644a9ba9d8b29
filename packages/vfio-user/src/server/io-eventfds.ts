import type { Native, Poll } from '@godwit/native';
import type { IoEvent, ServedFunction } from './function.js';

/** The eventfds that a client signals instead of writing to a region; made when it asks for them. */
export class IoEventfds {
  readonly #native: Native;
  readonly #device: ServedFunction;
  readonly #fds = new Map<IoEvent, { readonly fd: number; readonly poll: Poll }>();

  constructor(native: Native, device: ServedFunction) {
    this.#native = native;
    this.#device = device;
  }

  /** A descriptor for each event of a region, which belong to the caller. */
  descriptors(region: number): number[] {
    const events = this.#device.regions[region]?.ioEvents ?? [];
    return events.map((event) => this.#native.dup(this.#watch(event)));
  }

  clear(): void {
    for (const { fd, poll } of this.#fds.values()) {
      poll.close();
      this.#native.close(fd);
    }
    this.#fds.clear();
  }

  #watch(event: IoEvent): number {
    const known = this.#fds.get(event);
    if (known !== undefined) return known.fd;
    const fd = this.#native.eventfd(0, { nonblocking: true });
    const poll = this.#native.poll(fd, () => {
      const count = this.#native.readEventfd(fd);
      if (count > 0) event.signalled(count);
    });
    poll.watch({ readable: true });
    this.#fds.set(event, { fd, poll });
    return fd;
  }
}
