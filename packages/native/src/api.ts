/**
 * The functions of the C addon. Descriptors are plain numbers here; whoever creates or receives one owns it.
 * Every function throws an `Error` with `code` (`EBADF`, `EAGAIN`, …), `errno` and `syscall`, as Node's own do.
 */
export interface Native {
  /** An anonymous memory file of `size` bytes. */
  memfdCreate(name: string, size: number): number;
  /**
   * Maps `length` bytes (at most 4 GiB) of `fd` from `offset`, shared. The view is unmapped by {@link Native.munmap} or by
   * garbage collection.
   */
  mmap(fd: number, offset: number, length: number, writable: boolean): ArrayBuffer;
  /** Detaches the buffer and unmaps it. */
  munmap(buffer: ArrayBuffer): void;
  eventfd(initial: number, flags?: { nonblocking?: boolean; semaphore?: boolean }): number;
  close(fd: number): void;
  dup(fd: number): number;
  /** `fcntl(F_GETFL)`: the access mode and status flags, as of `fs.constants.O_*`. */
  getFlags(fd: number): number;
  /** A connected pair of unix stream sockets, non-blocking, close-on-exec. */
  socketpair(): [number, number];
  /** What a descriptor is. */
  fileType(fd: number): 'socket' | 'listening-socket' | 'file' | 'pipe' | 'character-device' | 'other';
  /** `sendmsg`: how many bytes went out (0 when the socket would block), with `fds` attached to the first of them. */
  sendmsg(fd: number, chunks: readonly Uint8Array[], fds: readonly number[]): number;
  /** `recvmsg` with MSG_CMSG_CLOEXEC: bytes read (0: end of stream, -1: would block) and the descriptors that came with them, at most 16. */
  recvmsg(fd: number, into: Uint8Array): { length: number; fds: number[]; truncated: boolean };
  /** Watches a descriptor for readiness on this thread's event loop. */
  poll(fd: number, onReady: (readable: boolean, writable: boolean, hangup: boolean) => void): Poll;
  /** One digest for each page: see `digest` in the README. Pages are numbered from the start of `bytes`. */
  pageDigests(bytes: Uint8Array, pageSize: number, pages: Uint32Array, into: Uint32Array): void;
  /** The kernel's id of the calling thread (gettid). */
  threadId(): number;
}

export interface Poll {
  /** Which conditions to watch for from now on. */
  watch(interest: { readable: boolean; writable: boolean }): void;
  /** Stops watching; the descriptor stays open. Idempotent. */
  close(): void;
}
