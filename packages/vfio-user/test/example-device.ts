import {
  type Attachment,
  type IoEvent,
  PciFunction,
  type ServedRegion,
  SnapshotMigration,
} from '../src/index.js';

/** A device with a bit of everything: registers, a slow register, a mappable region, signals, interrupts, state. */
export class ExampleDevice {
  readonly function: PciFunction;
  readonly attachment: Attachment;
  readonly registers = new Uint8Array(4096);
  readonly writes: string[] = [];
  signals = 0;

  constructor(attachment: Attachment, mapping?: NonNullable<ServedRegion['mapping']>) {
    this.attachment = attachment;
    const doorbell: IoEvent = {
      offset: 0x10,
      size: 4,
      datamatch: 7n,
      signalled: (count) => {
        this.signals += count;
      },
    };
    this.function = new PciFunction({
      vendorId: 0x1234,
      deviceId: 0x5678,
      classCode: 0xff0000,
      intx: true,
      msix: 4,
      bars: {
        0: {
          size: 4096,
          read: (offset, into) => into.set(this.registers.subarray(offset, offset + into.length)),
          write: (offset, from) => this.#write(offset, from),
          ioEvents: [doorbell],
        },
        1: {
          size: 4096,
          // Answers a moment later.
          read: async (_offset, into) => {
            await new Promise(setImmediate);
            into.fill(0x51);
          },
        },
        2: { size: 0x3000, read: (_offset, into) => void into.fill(2), ...(mapping && { mapping }) },
      },
      migration: new SnapshotMigration({
        save: () => Uint8Array.from(this.registers),
        load: (state) => this.registers.set(state),
        reset: () => this.registers.fill(0),
      }),
    });
  }

  #write(offset: number, from: Uint8Array): void {
    this.writes.push(`${offset}:${Buffer.from(from).toString('hex')}`);
    this.registers.set(from, offset);
  }
}
