import type { JsonObject } from '@godwit/json';
import { QmpError } from './dispatcher.js';

/** The capabilities of the protocol that QEMU knows (QAPI schema: QMPCapability). */
export type Capability = 'oob';

/**
 * The capabilities that `qmp_capabilities` is to enable.
 * @throws QmpError for arguments that are wrong, with the text of QEMU
 */
export function decodeCapabilities(args: JsonObject): readonly Capability[] {
  const enable = args.enable;
  const capabilities: Capability[] = [];
  if (enable !== undefined) {
    if (!Array.isArray(enable)) {
      throw new QmpError('GenericError', "Invalid parameter type for 'enable', expected: array");
    }
    enable.forEach((value, index) => {
      if (typeof value !== 'string') {
        throw new QmpError('GenericError', `Invalid parameter type for 'enable[${index}]', expected: string`);
      }
      // QEMU calls an element of an array `null` here.
      if (value !== 'oob') {
        throw new QmpError('GenericError', `Parameter 'null' does not accept value '${value}'`);
      }
      capabilities.push(value);
    });
  }
  const unexpected = Object.keys(args).find((member) => member !== 'enable');
  if (unexpected !== undefined) {
    throw new QmpError('GenericError', `Parameter '${unexpected}' is unexpected`);
  }
  return capabilities;
}

/** @throws QmpError for capabilities that the greeting did not offer */
export function checkOffered(capabilities: readonly Capability[], offered: readonly Capability[]): void {
  const missing = capabilities.filter((capability) => !offered.includes(capability));
  if (missing.length > 0) {
    throw new QmpError('GenericError', `Capability ${missing.join(', ')} not available`);
  }
}
