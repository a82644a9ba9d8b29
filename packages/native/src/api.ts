/**
 * The functions of the C addon. Descriptors are plain numbers here; whoever creates or receives one owns it. All that are
 * created are close-on-exec.
 * Every function throws an `Error` with `code` (`EBADF`, `EAGAIN`, …), `errno` and `syscall`, as Node's own do.
 */
export interface Native {
  /**
   * An anonymous memory file of `size` bytes, full of zeros.
   * `sealed` fixes its size for good, so that who maps it need not fear that it shrinks.
   */
  memfdCreate(name: string, size: number, options?: { sealed?: boolean }): number;
  /**
   * Maps `length` bytes (at most 4 GiB) of `fd` from `offset` (a multiple of the page size), shared. The view is unmapped
   * by {@link Native.munmap} or by garbage collection. Without `writable`, what JavaScript writes stays in a private copy.
   *
   * A file that shrinks under its mapping does not kill the process: see {@link Native.mappingFaults}.
   */
  mmap(fd: number, offset: number, length: number, writable: boolean): ArrayBuffer;
  /** Detaches the buffer and unmaps it. EINVAL: it is detached already. EBUSY: pages are being copied. */
  munmap(buffer: ArrayBuffer): void;
  /**
   * How many pages of a mapping were found to lie past the end of their file, by an access to them. Each of them reads as
   * zeros from then on, and what is written to it is lost.
   */
  mappingFaults(buffer: ArrayBuffer): number;
  /**
   * Its one element counts the faults of all mappings of the process, and wraps around: for who looks after every access, and
   * asks {@link Native.mappingFaults} only where it has changed. Not to be written.
   */
  faultCounter(): Uint32Array;
  eventfd(initial: number, flags?: { nonblocking?: boolean; semaphore?: boolean }): number;
  /** Adds 1 to an eventfd; never blocks. False where its counter is full (it is signalled all the same). */
  signalEventfd(fd: number): boolean;
  /** Takes the count of an eventfd; never blocks. 0 where there is none. */
  readEventfd(fd: number): number;
  close(fd: number): void;
  dup(fd: number): number;
  /** `fcntl(F_GETFL)`: the access mode and status flags, as of `fs.constants.O_*`. */
  getFlags(fd: number): number;
  /** A connected pair of unix stream sockets, non-blocking. */
  socketpair(): [number, number];
  /**
   * Binds and listens on a unix stream socket, non-blocking. A path of at most 107 bytes, or a name in the abstract
   * namespace after a NUL. EADDRINUSE: the path exists.
   */
  listenUnix(path: string, backlog: number): number;
  /** Connects to a unix stream socket, non-blocking. EAGAIN: the listener's backlog is full. */
  connectUnix(path: string): number;
  /** The next connection of a listening socket, non-blocking; undefined where none waits. */
  accept(fd: number): number | undefined;
  /**
   * Asks for room for `bytes` bytes between a socket and its peer (SO_SNDBUF), and returns what the kernel grants: it counts
   * its own overhead, and has a limit (net.core.wmem_max).
   */
  setSendBuffer(fd: number, bytes: number): number;
  /**
   * How much of what was sent over a unix socket its peer has not read yet (SIOCOUTQ): 0 where it has read all of it. The
   * kernel counts its own overhead. Of a tcp socket: what the peer's kernel has not acknowledged.
   */
  unreadBytes(fd: number): number;
  /**
   * A new pseudo terminal in raw mode: the master's descriptor, non-blocking, and the path of the other side. While nobody
   * has opened that, reads fail with EIO and what is written waits for who will.
   */
  openTerminal(): { fd: number; path: string };
  /** What a descriptor is. */
  fileType(fd: number): FileType;
  /**
   * `sendmsg`: how many bytes went out (0 when the socket would block), with `fds` (at most 253) attached to the first of
   * them. At most 64 chunks go out with one call.
   */
  sendmsg(fd: number, chunks: readonly Uint8Array[], fds: readonly number[]): number;
  /**
   * `recvmsg`: bytes read (0: end of stream, -1: would block) and the descriptors that came with them, at most 16.
   * `truncated`: there were more, which the kernel closed.
   */
  recvmsg(fd: number, into: Uint8Array): { length: number; fds: number[]; truncated: boolean };
  /**
   * As {@link Native.recvmsg}, but into `[start, end)` of a buffer, and descriptors are appended to `fds`: nothing is
   * allocated on the way. EMSGSIZE: there were more than 16 descriptors (those received are in `fds`).
   * With `waitMicroseconds` it holds the thread, but not the CPU, until there is something, and no longer than that.
   */
  receive(
    fd: number,
    into: Uint8Array,
    start: number,
    end: number,
    fds: number[],
    waitMicroseconds?: number,
  ): number;
  /** Watches a descriptor for readiness on this thread's event loop. EEXIST: this thread watches it already. */
  poll(fd: number, onReady: (readable: boolean, writable: boolean, hangup: boolean) => void): Poll;
  /**
   * Blocks this thread until the descriptor is ready, its peer is gone, or `timeoutMs` have passed (or a signal came);
   * false in the last cases. For who must have an answer before it can return.
   */
  waitReady(fd: number, interest: { readable?: boolean; writable?: boolean }, timeoutMs: number): boolean;
  /**
   * The digest of each page of `runs`, one after the other into `into`. A run is two numbers: its first page, counted from
   * the start of `bytes`, and how many pages it has; a page size is a multiple of 256 bytes. The same as
   * `pageDigestsPortable`.
   */
  pageDigests(bytes: Uint8Array, pageSize: number, runs: Uint32Array, into: Uint32Array): void;
  /**
   * Copies the pages of `runs`, counted from the start of both, and puts the digest of each, as it was copied, into
   * `digests`, as {@link Native.pageDigests} does. Another thread does it; until the promise is fulfilled a mapping that takes part cannot be
   * unmapped (EBUSY). `from` may change meanwhile: a page is then copied in parts of different age, and the digest is that
   * of the copy.
   */
  copyPages(
    from: Uint8Array,
    into: Uint8Array,
    pageSize: number,
    runs: Uint32Array,
    digests: Uint32Array,
  ): Promise<void>;
  /** The kernel's id of the calling thread (gettid). */
  threadId(): number;
}

export type FileType = 'socket' | 'listening-socket' | 'file' | 'pipe' | 'character-device' | 'other';

export interface Poll {
  /** Which conditions to watch for from now on; none at first. `hangup`: the peer has closed, not only its sending side. */
  watch(interest: { readable?: boolean; writable?: boolean; hangup?: boolean }): void;
  /** Stops watching; the descriptor stays open, and may be closed as soon as this returns. Idempotent. */
  close(): void;
}
