import type { Native, Poll } from '@godwit/native';

/** An eventfd by which the client unmasks an interrupt: KVM signals it when the guest has handled a level-triggered one. */
export class UnmaskEventfd {
  readonly #native: Native;
  readonly #fd: number;
  readonly #poll: Poll;

  /** Takes the descriptor over. */
  constructor(native: Native, fd: number, unmask: () => void) {
    this.#native = native;
    this.#fd = fd;
    this.#poll = native.poll(fd, () => {
      if (native.readEventfd(fd) > 0) unmask();
    });
    this.#poll.watch({ readable: true });
  }

  close(): void {
    this.#poll.close();
    this.#native.close(this.#fd);
  }
}
