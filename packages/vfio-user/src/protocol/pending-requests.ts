import type { Clock, Timer } from '@godwit/clock';
import { VfioError } from '@godwit/vfio';

/** A reply; its payload is the caller's own, its descriptors belong to the caller. */
export interface Reply {
  readonly payload: Buffer;
  readonly fds: number[];
}

/** A request without an answer. */
export interface PendingRequest {
  readonly command: number;
  /** On the clock, in milliseconds. */
  readonly deadline: number;
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** How many there may be; fewer than there are ids. */
const MAX_PENDING = 4096;

/** The requests of one side that have no answer yet, by message id. */
export class PendingRequests {
  readonly #clock: Clock;
  readonly #late: (command: number) => void;
  readonly #requests = new Map<number, PendingRequest>();
  #nextId = 0;
  #timer: Timer | undefined;
  #timerAt = 0;

  /** @param late called when a request has had no answer by its deadline */
  constructor(clock: Clock, late: (command: number) => void) {
    this.#clock = clock;
    this.#late = late;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** An id that no request waits with. */
  takeId(): number {
    do this.#nextId = (this.#nextId + 1) & 0xffff;
    while (this.#requests.has(this.#nextId));
    return this.#nextId;
  }

  /** Takes a request in; its id. EBUSY: there are too many. */
  add(request: PendingRequest): number {
    if (this.#requests.size >= MAX_PENDING) {
      throw new VfioError('EBUSY', 'too many requests wait for replies');
    }
    const id = this.takeId();
    this.#requests.set(id, request);
    return id;
  }

  /** Has {@link late} called when the deadline has passed. */
  watch(deadline: number): void {
    if (this.#timer !== undefined && this.#timerAt <= deadline) return;
    this.#timer?.cancel();
    this.#timerAt = deadline;
    this.#timer = this.#clock.setTimer(() => this.#checkDeadlines(), deadline - this.#clock.now());
  }

  /** Takes out the request that a reply to `command` answers; undefined where nobody asked. */
  take(id: number, command: number): PendingRequest | undefined {
    const request = this.#requests.get(id);
    if (request?.command !== command) return undefined;
    this.#requests.delete(id);
    return request;
  }

  /** Forgets a request that nobody waits for any longer. */
  forget(id: number): void {
    this.#requests.delete(id);
  }

  /** There will be no more replies. */
  fail(error: Error): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const request of this.#requests.values()) request.reject(error);
    this.#requests.clear();
  }

  #checkDeadlines(): void {
    this.#timer = undefined;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { command, deadline } of this.#requests.values()) {
      if (deadline <= this.#clock.now()) {
        this.#late(command);
        return;
      }
      earliest = Math.min(earliest, deadline);
    }
    if (this.#requests.size > 0) this.watch(earliest);
  }
}
