import { createHmac } from 'node:crypto';
import type { ModelLogic, ModelParts } from '../../model/definition.js';
import type { CryptoRegister } from './registers.js';

const MAX_MESSAGE = 2 ** 20;

/** Makes HMAC-SHA-256 digests of guest memory with a key that the guest has set. One job at a time. */
export class CryptoLogic implements ModelLogic {
  readonly #parts: ModelParts<CryptoRegister>;

  constructor(parts: ModelParts<CryptoRegister>) {
    this.#parts = parts;
  }

  work(): boolean {
    const { registers } = this.#parts;
    const job = registers.get('JOB');
    if (job === registers.get('DONE')) return false;
    if (!this.#digest()) registers.add('JOB_ERRORS', 1);
    registers.set('DONE', job);
    return true;
  }

  #digest(): boolean {
    const { registers, dma } = this.#parts;
    const length = registers.get('SOURCE_LENGTH');
    if (length > MAX_MESSAGE) return false;
    const message = new Uint8Array(length);
    if (!dma.read(registers.getWide('SOURCE_LOW'), message)) return false;
    const digest = createHmac('sha256', this.#key()).update(message).digest();
    return dma.write(registers.getWide('TARGET_LOW'), digest);
  }

  #key(): Uint8Array {
    const { registers } = this.#parts;
    const key = new DataView(new ArrayBuffer(16));
    for (const [index, name] of (['KEY0', 'KEY1', 'KEY2', 'KEY3'] as const).entries()) {
      key.setUint32(index * 4, registers.get(name), true);
    }
    return new Uint8Array(key.buffer);
  }
}
