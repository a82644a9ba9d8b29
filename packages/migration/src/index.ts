export { DescriptorChannel } from './channel/descriptor-channel.js';
export { ExecChannel } from './channel/exec-channel.js';
export { FileReadChannel, FileWriteChannel, WRITE_FLAGS } from './channel/file-channel.js';
export { type MemoryChannelOptions, memoryChannelPair } from './channel/memory-channel.js';
export { passedDescriptorChannel } from './channel/passed-descriptor.js';
export { checkSocketAddress, type SocketAddress } from './channel/socket-address.js';
export { connectSocketChannel, SocketChannel, SocketListener } from './channel/socket-channel.js';
export { StreamChannel, type StreamEnds } from './channel/stream-channel.js';
export { connectTlsChannel, type TlsListening } from './channel/tls-channel.js';
export type { MultifdConfiguration } from './configuration.js';
export { migrationBlockers } from './device/blockers.js';
export { DeviceController, type DeviceObserver, type Transition } from './device/controller.js';
export type { DevicePending } from './device/sender.js';
export { startDevices, stopDevices, type TransitionFailure } from './device/stop-start.js';
export {
  CancelledError,
  DisconnectedError,
  MigrationError,
  MismatchError,
  PeerError,
  StreamError,
  TimeoutError,
} from './errors.js';
export { IncomingMigration } from './incoming/incoming-migration.js';
export type { IncomingOptions } from './incoming/options.js';
export type { IncomingStatistics } from './incoming/statistics.js';
export type { OpenChannel, OutgoingOptions } from './outgoing/options.js';
export { OutgoingMigration } from './outgoing/outgoing-migration.js';
export type { DeviceStatistics, OutgoingStatistics, RamStatistics } from './outgoing/statistics.js';
export { defaultParameters, type MigrationParameters } from './parameters.js';
export type * from './ports.js';
export { defaultPageDigests, type PageDigestAlgorithm, type PageDigestFunction } from './ram/page-digests.js';
export { defaultRamSharing, type RamSharing, type SharedRam, type SourceRam } from './ram/sharing.js';
export { loadSnapshot, type SnapshotOptions, saveSnapshot } from './snapshot.js';
export { checkSnapshot } from './snapshot-check.js';
export { type MigrationOutcome, type MigrationStatus, migrationStatuses } from './status.js';
export { MAX_MULTIFD_CHANNELS } from './stream/records.js';
export { defaultTimeouts, type MigrationTimeouts } from './timeouts.js';
