export {
  type FailedCommand,
  QmpCommandError,
  QmpDisconnectedError,
  QmpProtocolError,
  QmpReplyError,
  QmpTimeoutError,
} from './client/errors.js';
export { EventStream } from './client/event-stream.js';
export type { QmpClientOptions, ReconnectOptions } from './client/options.js';
export { type ClientState, QmpClient } from './client/qmp-client.js';
export type {
  ClientCommandMap,
  ClientCommandShape,
  DescriptorToSend,
  EventOf,
  EventTimestamp,
  ExecuteOptions,
  ExecuteParameters,
  QmpCodec,
  QmpDropped,
  QmpEvent,
  QmpGap,
  UntypedCommands,
  UntypedEvents,
} from './client/types.js';
export { type CloseDescriptor, closeDescriptor } from './descriptors/close.js';
export { type AddfdInfo, type DescriptorOperations, FdSets, type FdsetInfo } from './descriptors/fd-sets.js';
export { NamedDescriptors } from './descriptors/named-descriptors.js';
export { createMemoryTransports, MemoryTransport, type MemoryTransportOptions } from './memory-transport.js';
export {
  type CommandContext,
  type CommandTraits,
  type Dispatcher,
  type MonitorIdentity,
  QmpError,
  type QmpErrorClass,
} from './server/dispatcher.js';
export { EmittedEvent, EventBus, type EventSink } from './server/event-bus.js';
export { type EventThrottle, eventThrottles } from './server/event-throttle.js';
export { defaultSessionLimits, type SessionLimits } from './server/limits.js';
export { Monitor, type MonitorOptions } from './server/monitor.js';
export {
  type Connectable,
  type MonitorEndpoint,
  MonitorServer,
  type MonitorServerOptions,
} from './server/monitor-server.js';
export { QmpServer, type QmpServerOptions } from './server/qmp-server.js';
export type { Session } from './server/session.js';
export type { Transport, TransportHandler } from './transport.js';
export { formatAddress, longestUnixPath, parseAddress, type SocketAddress } from './transports/address.js';
export { type ConnectOptions, connectedTransport, connectTransport } from './transports/connect.js';
export { DescriptorTransport } from './transports/descriptor-transport.js';
export { Listener, type ListenOptions } from './transports/listener.js';
export { StreamTransport, type StreamTransportOptions } from './transports/stream-transport.js';
