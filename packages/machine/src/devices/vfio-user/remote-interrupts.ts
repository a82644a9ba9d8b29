import type { Native, Poll } from '@godwit/native';
import { PciIrq, type VfioUserClient } from '@godwit/vfio-user';

/** As many vectors as one machine listens to for a device; a driver of the embedded guest needs one. */
const MAX_VECTORS = 64;

/** What the device has, best first. */
const KINDS = [
  { index: PciIrq.MSIX, capability: 'msix' },
  { index: PciIrq.MSI, capability: 'msi' },
  { index: PciIrq.INTX, capability: undefined },
] as const;

/** The interrupts of a device of another process: an eventfd each, which the server signals. */
export class RemoteInterrupts {
  /** Which capability of the device has to be enabled for them. */
  readonly capability: 'msi' | 'msix' | undefined;
  readonly #native: Native;
  readonly #client: VfioUserClient;
  readonly #isLevel: boolean;
  readonly #eventfds: { readonly fd: number; readonly poll: Poll }[] = [];
  /** The device has masked its INTx line when it raised it; the client unmasks it. */
  #masked = false;

  /** Takes the best kind that the device has. @param raised called for each interrupt */
  static async connect(
    native: Native,
    client: VfioUserClient,
    raised: () => void,
  ): Promise<RemoteInterrupts> {
    const countOf = (index: number) => client.irqs.find((irq) => irq.index === index)?.count ?? 0;
    const kind = KINDS.find(({ index }) => countOf(index) > 0);
    const interrupts = new RemoteInterrupts(native, client, kind);
    if (kind === undefined) return interrupts;
    const count = Math.min(countOf(kind.index), MAX_VECTORS);
    try {
      const fds = Array.from({ length: count }, () => interrupts.#listen(raised));
      await client.setIrqs(kind.index, 0, fds);
    } catch (error) {
      interrupts.close();
      throw error;
    }
    return interrupts;
  }

  private constructor(native: Native, client: VfioUserClient, kind: (typeof KINDS)[number] | undefined) {
    this.#native = native;
    this.#client = client;
    this.capability = kind?.capability;
    this.#isLevel = kind?.index === PciIrq.INTX;
  }

  /** The guest has used the device: it has seen to the interrupt, or the line is still raised and signals again. */
  unmask(): void {
    if (!this.#masked) return;
    this.#masked = false;
    // A server that is gone has no line to unmask.
    this.#client.actOnIrqs('unmask', PciIrq.INTX, 0, 1).catch(() => {});
  }

  close(): void {
    for (const { fd, poll } of this.#eventfds.splice(0)) {
      poll.close();
      this.#native.close(fd);
    }
  }

  #listen(raised: () => void): number {
    const fd = this.#native.eventfd(0, { nonblocking: true });
    const poll = this.#native.poll(fd, () => {
      if (this.#native.readEventfd(fd) === 0) return;
      this.#masked = this.#isLevel;
      raised();
    });
    this.#eventfds.push({ fd, poll });
    poll.watch({ readable: true });
    return fd;
  }
}
