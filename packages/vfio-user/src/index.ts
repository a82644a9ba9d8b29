export { VfioUserClient, type VfioUserClientOptions } from './client/client.js';
export { ClientMemory, type MemoryRange } from './client/client-memory.js';
export type { IrqInformation, RegionInformation } from './client/device-information.js';
export type { IoEventDescriptor } from './client/io-event-descriptors.js';
export { RemoteDevice } from './client/remote-device.js';
export type { Capabilities } from './protocol/capabilities.js';
export { DisconnectedError, ProtocolError } from './protocol/errors.js';
export { Command, Feature } from './protocol/messages.js';
export { PciIrq, PciRegion } from './protocol/pci-indexes.js';
export {
  ConfigSpace,
  type ConfigSpaceOptions,
  type PciCapability,
  type PciIdentity,
} from './server/config-space.js';
export { type DmaMap, DmaSpace } from './server/dma-space.js';
export type {
  IoEvent,
  RegionMapping,
  ServedFunction,
  ServedRegion,
} from './server/function.js';
export { Interrupts } from './server/interrupts.js';
export { MemoryRegion } from './server/memory-region.js';
export { modelFunction } from './server/model-function.js';
export { PciFunction, type PciFunctionOptions } from './server/pci-function.js';
export {
  type Attachment,
  VfioUserServer,
  type VfioUserServerEvents,
  type VfioUserServerOptions,
} from './server/server.js';
export { SnapshotMigration, type SnapshotSource } from './server/snapshot-migration.js';
