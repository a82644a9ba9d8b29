import { QapiError } from '@godwit/qapi/runtime';
import type { MigrationCapability, MigrationCapabilityStatus } from '../generated/index.js';

/** Every capability in the order of the schema, and whether this machine has it. */
const CAPABILITIES: Readonly<Record<MigrationCapability, 'available' | 'unavailable'>> = {
  xbzrle: 'unavailable',
  'rdma-pin-all': 'unavailable',
  'auto-converge': 'available',
  'zero-blocks': 'unavailable',
  events: 'available',
  'postcopy-ram': 'unavailable',
  'x-colo': 'unavailable',
  'release-ram': 'unavailable',
  'return-path': 'available',
  'pause-before-switchover': 'available',
  multifd: 'available',
  'dirty-bitmaps': 'unavailable',
  'postcopy-blocktime': 'unavailable',
  'late-block-activate': 'unavailable',
  'x-ignore-shared': 'unavailable',
  'validate-uuid': 'available',
  'background-snapshot': 'unavailable',
  'zero-copy-send': 'unavailable',
  'postcopy-preempt': 'unavailable',
  'switchover-ack': 'available',
  'dirty-limit': 'unavailable',
  'mapped-ram': 'unavailable',
  'x-precopy-recovery': 'available',
  'x-ram-sharing': 'available',
};

export function isCapability(name: string): name is MigrationCapability {
  return Object.hasOwn(CAPABILITIES, name);
}

/** Which ways to migrate are switched on. */
export class Capabilities {
  /** At first only what does nothing that a client could miss. */
  readonly #on = new Set<MigrationCapability>(['x-ram-sharing']);

  isOn(capability: MigrationCapability): boolean {
    return this.#on.has(capability);
  }

  /**
   * All or nothing.
   * @param listening the machine waits for its source already
   * @throws QapiError
   */
  set(statuses: readonly MigrationCapabilityStatus[], listening = false): void {
    const next = new Set(this.#on);
    for (const { capability, state } of statuses) {
      if (state) next.add(capability as MigrationCapability);
      else next.delete(capability as MigrationCapability);
    }
    for (const capability of next) {
      if (CAPABILITIES[capability] === 'unavailable') {
        throw new QapiError('GenericError', `Capability '${capability}' is not supported by this machine`);
      }
    }
    if (next.has('switchover-ack') && !next.has('return-path')) {
      throw new QapiError('GenericError', "Capability 'switchover-ack' requires capability 'return-path'");
    }
    if (listening && next.has('multifd') && !this.#on.has('multifd')) {
      throw new QapiError('GenericError', 'Multifd must be set before incoming starts');
    }
    this.#on.clear();
    for (const capability of next) this.#on.add(capability);
  }

  list(): MigrationCapabilityStatus[] {
    return (Object.keys(CAPABILITIES) as MigrationCapability[]).map((capability) => ({
      capability,
      state: this.#on.has(capability),
    }));
  }
}
