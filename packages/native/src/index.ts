export type { FileType, Native, Poll } from './api.js';
export {
  DescriptorStream,
  type DescriptorStreamHandler,
  type DescriptorStreamOptions,
} from './descriptor-stream.js';
export { Habit } from './habit.js';
export { NativeUnavailableError, native, nativeUnavailableReason, requireNative } from './load.js';
export { pageDigestsPortable } from './page-digests.js';
export { errnoOf, systemReason } from './system-reason.js';
export { UnixListener, type UnixListenerHandler } from './unix-listener.js';
