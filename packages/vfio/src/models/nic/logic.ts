import type { ModelLogic, ModelParts } from '../../model/definition.js';
import type { NicRegister } from './registers.js';
import {
  DESCRIPTOR_DONE,
  DESCRIPTOR_SIZE,
  type Descriptor,
  decodeDescriptor,
  encodeDescriptor,
  MAX_FRAME,
  MAX_RING,
} from './ring.js';

type Ring = 'TX' | 'RX';

/** The wire is a loop: what is sent is received. A frame waits until the guest has given a buffer for it; none is lost. */
export class NicLogic implements ModelLogic {
  readonly #parts: ModelParts<NicRegister>;
  readonly #frame = new Uint8Array(MAX_FRAME);

  constructor(parts: ModelParts<NicRegister>) {
    this.#parts = parts;
  }

  reset(): void {
    // 52:54:00 is the prefix that QEMU gives its network devices.
    this.#parts.registers.set('MAC_LOW', 0x12005452);
    this.#parts.registers.set('MAC_HIGH', 0x5634);
  }

  work(): boolean {
    let worked = false;
    for (; this.#ready('TX') && this.#ready('RX'); worked = true) {
      const frame = this.#send();
      if (frame !== undefined) this.#receive(frame);
    }
    return worked;
  }

  /** Whether the guest has handed over a descriptor that the device has not used. */
  #ready(ring: Ring): boolean {
    const { registers } = this.#parts;
    const count = registers.get(`${ring}_COUNT`);
    const tail = registers.get(`${ring}_TAIL`);
    if (count === 0) return false;
    if (count > MAX_RING || tail >= count) {
      registers.add('RING_ERRORS', 1);
      registers.set(`${ring}_COUNT`, 0);
      return false;
    }
    return registers.get(`${ring}_HEAD`) % count !== tail;
  }

  /** Takes the next frame out of the transmit ring; undefined where the descriptor or its buffer cannot be read. */
  #send(): Uint8Array | undefined {
    const { registers, dma } = this.#parts;
    const descriptor = this.#descriptor('TX');
    const isSound = descriptor !== undefined && descriptor.length >= 1 && descriptor.length <= MAX_FRAME;
    const frame = isSound ? this.#frame.subarray(0, descriptor.length) : undefined;
    if (descriptor === undefined || frame === undefined || !dma.read(descriptor.address, frame)) {
      registers.add('RING_ERRORS', 1);
      this.#advance('TX');
      return undefined;
    }
    this.#complete('TX', { ...descriptor, flags: DESCRIPTOR_DONE });
    registers.add('TX_FRAMES', 1);
    return frame;
  }

  #receive(frame: Uint8Array): void {
    const { registers, dma } = this.#parts;
    const descriptor = this.#descriptor('RX');
    if (
      descriptor === undefined ||
      descriptor.length < frame.length ||
      !dma.write(descriptor.address, frame)
    ) {
      registers.add('RX_DROPPED', 1);
      this.#advance('RX');
      return;
    }
    this.#complete('RX', { address: descriptor.address, length: frame.length, flags: DESCRIPTOR_DONE });
    registers.add('RX_FRAMES', 1);
  }

  #descriptor(ring: Ring): Descriptor | undefined {
    const bytes = new Uint8Array(DESCRIPTOR_SIZE);
    return this.#parts.dma.read(this.#address(ring), bytes) ? decodeDescriptor(bytes) : undefined;
  }

  #complete(ring: Ring, descriptor: Descriptor): void {
    if (!this.#parts.dma.write(this.#address(ring), encodeDescriptor(descriptor))) {
      this.#parts.registers.add('RING_ERRORS', 1);
    }
    this.#advance(ring);
  }

  #address(ring: Ring): number {
    const { registers } = this.#parts;
    const index = registers.get(`${ring}_HEAD`) % registers.get(`${ring}_COUNT`);
    return registers.getWide(`${ring}_BASE_LOW`) + index * DESCRIPTOR_SIZE;
  }

  #advance(ring: Ring): void {
    const { registers } = this.#parts;
    registers.set(`${ring}_HEAD`, (registers.get(`${ring}_HEAD`) + 1) % registers.get(`${ring}_COUNT`));
  }
}
