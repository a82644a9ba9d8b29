import { type JsonMessage, type JsonObject, JsonReader, type JsonValue, stringify } from '@godwit/json';
import { DescriptorBatch } from '../descriptors/descriptor-batch.js';
import type { Transport, TransportHandler } from '../transport.js';
import type { CommandQueue, RequestSource } from './command-queue.js';
import type { CommandContext, CommandTraits, Dispatcher } from './dispatcher.js';
import { QmpError } from './dispatcher.js';
import type { EmittedEvent, EventBus } from './event-bus.js';
import type { SessionLimits } from './limits.js';
import type { Monitor } from './monitor.js';
import { type Capability, checkOffered, decodeCapabilities } from './negotiation.js';
import { checkRequest, isObject, looksOutOfBand, type Request } from './request.js';

/** What a session needs of the server that it belongs to. */
export interface SessionEnvironment {
  readonly dispatcher: Dispatcher;
  readonly queue: CommandQueue;
  readonly events: EventBus;
  readonly limits: SessionLimits;
}

interface QueuedRequest {
  readonly message: JsonMessage;
  /** The descriptors that the request may use. */
  readonly batch: DescriptorBatch | undefined;
}

/** With out-of-band execution enabled, reading stops at so many requests that wait. */
const queueLimit = 8;

const capabilitiesCommand = 'qmp_capabilities';
const traitsOfCapabilities: CommandTraits = {
  allowOob: false,
  allowPreconfig: true,
  noSuccessResponse: false,
};
const emptyObject: JsonObject = Object.freeze(Object.create(null) as JsonObject);

/** One connection to a monitor: from the greeting to the disconnect. */
export class Session implements RequestSource {
  readonly #monitor: Monitor;
  readonly #transport: Transport;
  readonly #environment: SessionEnvironment;
  readonly #offered: readonly Capability[];
  readonly #onClosed: (reason: Error | undefined) => void;
  readonly #unsubscribe: () => void;

  readonly #reader = new JsonReader();
  readonly #requests: QueuedRequest[] = [];
  #batch: DescriptorBatch | undefined;
  #negotiated = false;
  #oobEnabled = false;

  /** A request waits or is executed, and the protocol wants no more to be read until then. */
  #suspended = false;
  #executing = false;
  #peerEnded = false;
  #paused = false;
  /** Output is flushed when what is being done is done, and need not be scheduled. */
  #receiving = false;
  #closed = false;
  #closeReason: Error | undefined;

  #output: string[] = [];
  #outputLength = 0;
  #flushScheduled = false;

  /** Sends the greeting. @param onClosed called once, with the reason if the session did not end in the usual way */
  constructor(
    monitor: Monitor,
    transport: Transport,
    environment: SessionEnvironment,
    onClosed: (reason: Error | undefined) => void,
  ) {
    this.#monitor = monitor;
    this.#transport = transport;
    this.#environment = environment;
    this.#offered = monitor.offersOob ? ['oob'] : [];
    this.#onClosed = onClosed;
    this.#unsubscribe = environment.events.subscribe((event) => this.#deliver(event));
    const handler: TransportHandler = {
      data: (chunk, fds) => this.#receive(chunk, fds),
      drain: () => this.#pump(),
      ended: () => this.#inputEnded(),
      hungUp: () => this.destroy(),
      closed: (error) => this.#ended(error),
    };
    this.#receiving = true;
    this.#send({
      QMP: { version: environment.dispatcher.greeting, capabilities: [...this.#offered] },
    });
    this.#receiving = false;
    this.flush();
    transport.start(handler);
  }

  get hasRequests(): boolean {
    return this.#requests.length > 0;
  }

  /** Whether the client has negotiated, and thus gets events. */
  get negotiated(): boolean {
    return this.#negotiated;
  }

  /** The client has read all that was handed to the transport, as far as that can be told. */
  get allRead(): boolean {
    return this.#closed || this.#transport.allRead !== false;
  }

  /** Sends what is queued, then closes. */
  end(): void {
    if (this.#closed) return;
    this.flush();
    this.#transport.end();
  }

  /** Closes at once. */
  destroy(reason?: Error): void {
    if (this.#closed) return;
    this.#closeReason ??= reason;
    this.#transport.destroy();
  }

  /** Hands queued output to the transport. */
  flush(): void {
    if (this.#outputLength === 0 || this.#closed) return;
    const text = this.#output.length === 1 ? this.#output[0]! : this.#output.join('');
    this.#output = [];
    this.#outputLength = 0;
    this.#transport.write(Buffer.from(text, 'latin1'));
  }

  executeNext(): Promise<void> | undefined {
    const request = this.#requests.shift();
    if (request === undefined) return undefined;
    const resumeEarly = this.#oobEnabled;
    this.#executing = true;
    if (resumeEarly) this.#resume();
    const completion = this.#execute(request.message, request.batch);
    if (completion === undefined) {
      this.#requestDone(request, resumeEarly);
      return undefined;
    }
    return completion.then(() => this.#requestDone(request, resumeEarly));
  }

  #requestDone(request: QueuedRequest, resumed: boolean): void {
    request.batch?.release();
    this.#executing = false;
    if (this.#closed) return;
    if (!resumed) this.#resume();
    this.#closeWhenDone();
  }

  #receive(chunk: Uint8Array, fds: readonly number[]): void {
    if (fds.length > 0) {
      const batch = new DescriptorBatch(fds, this.#environment.limits.closeDescriptor);
      if (this.#closed) {
        batch.close();
        return;
      }
      this.#batch?.supersede();
      this.#batch = batch;
    }
    if (this.#closed) return;
    this.#reader.push(chunk);
    this.#receiving = true;
    if (!this.#pump()) this.#reader.keep();
    this.#receiving = false;
    if (this.#executing) this.#scheduleFlush();
    else this.flush();
  }

  #inputEnded(): void {
    if (this.#closed) return;
    this.#peerEnded = true;
    // What waits in the queue is dropped, as at any disconnect. Without out-of-band execution nothing waits, and the end
    // may have been sent right behind a command that is still being executed: it gets its reply.
    this.#dropRequests();
    if (this.#oobEnabled) this.end();
    else this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (this.#peerEnded && !this.#executing) this.end();
  }

  #resume(): void {
    if (!this.#suspended) return;
    this.#suspended = false;
    this.#pump();
  }

  /** Reads as many messages as may be read now; returns whether all input was used up. */
  #pump(): boolean {
    while (!this.#closed && !this.#suspended && !this.#outputIsHigh()) {
      const message = this.#reader.read();
      if (message === undefined) {
        if (this.#paused) {
          this.#paused = false;
          this.#transport.resume();
        }
        return true;
      }
      this.#handle(message);
    }
    if (this.#closed) return true;
    if (!this.#paused) {
      this.#paused = true;
      this.#transport.pause();
    }
    return false;
  }

  #outputIsHigh(): boolean {
    if (this.#outputLength + this.#transport.writableLength < this.#environment.limits.outputHighWater) {
      return false;
    }
    this.flush();
    return this.#transport.writableLength >= this.#environment.limits.outputHighWater;
  }

  #handle(message: JsonMessage): void {
    this.#batch?.retain();
    const request: QueuedRequest = { message, batch: this.#batch };
    if (message.error === undefined && looksOutOfBand(message.value)) {
      const completion = this.#execute(message, request.batch);
      if (completion === undefined) request.batch?.release();
      else void completion.then(() => request.batch?.release());
      return;
    }
    this.#requests.push(request);
    this.#suspended = !this.#oobEnabled || this.#requests.length >= queueLimit;
    this.#environment.queue.wake(this);
  }

  /** Executes one message and sends its reply. Never rejects. */
  #execute(message: JsonMessage, batch: DescriptorBatch | undefined): Promise<void> | undefined {
    if (message.error !== undefined) {
      this.#sendFailure('GenericError', message.error.message, undefined);
      return undefined;
    }
    const id = isObject(message.value) ? message.value.id : undefined;
    try {
      const request = checkRequest(message.value, this.#oobEnabled);
      const traits = this.#admit(request);
      const value =
        request.command === capabilitiesCommand
          ? this.#negotiate(request.args)
          : this.#environment.dispatcher.execute(
              request.command,
              request.args,
              this.#context(request, batch),
            );
      if (!(value instanceof Promise)) {
        this.#sendReturn(value, traits, id);
        return undefined;
      }
      return value.then(
        (result) => this.#sendReturn(result, traits, id),
        (error: unknown) => this.#sendError(error, id),
      );
    } catch (error) {
      this.#sendError(error, id);
      return undefined;
    }
  }

  /** What is checked of a command before its arguments are looked at. @throws QmpError */
  #admit(request: Request): CommandTraits {
    const { command } = request;
    const { dispatcher } = this.#environment;
    let traits: CommandTraits | undefined;
    if (command === capabilitiesCommand) traits = traitsOfCapabilities;
    else if (this.#negotiated) traits = dispatcher.describe(command);
    else {
      const text = `Expecting capabilities negotiation with '${capabilitiesCommand}'`;
      throw new QmpError('CommandNotFound', text);
    }
    if (traits === undefined) {
      throw new QmpError('CommandNotFound', `The command ${command} has not been found`);
    }
    if (request.outOfBand && !traits.allowOob) {
      throw new QmpError('GenericError', `The command ${command} does not support OOB`);
    }
    if (dispatcher.phase === 'preconfig' && !traits.allowPreconfig) {
      throw new QmpError(
        'GenericError',
        `The command '${command}' is permitted only after machine initialization has completed`,
      );
    }
    return traits;
  }

  #negotiate(args: JsonObject): undefined {
    const capabilities = decodeCapabilities(args);
    if (this.#negotiated) {
      throw new QmpError('CommandNotFound', 'Capabilities negotiation is already complete, command ignored');
    }
    checkOffered(capabilities, this.#offered);
    this.#oobEnabled = capabilities.includes('oob');
    this.#negotiated = true;
  }

  #context(request: Request, batch: DescriptorBatch | undefined): CommandContext {
    return {
      monitor: this.#monitor,
      outOfBand: request.outOfBand,
      takeDescriptor: () => batch?.take(),
    };
  }

  #sendReturn(value: JsonValue | undefined, traits: CommandTraits, id: JsonValue | undefined): void {
    if (traits.noSuccessResponse) return;
    const result = value ?? (value === null ? null : emptyObject);
    this.#send(id === undefined ? { return: result } : { return: result, id });
  }

  #sendError(error: unknown, id: JsonValue | undefined): void {
    if (!(error instanceof Error)) this.#sendFailure('GenericError', String(error), id);
    else
      this.#sendFailure('errorClass' in error ? String(error.errorClass) : 'GenericError', error.message, id);
  }

  #sendFailure(errorClass: string, desc: string, id: JsonValue | undefined): void {
    const error = { class: errorClass, desc };
    this.#send(id === undefined ? { error } : { id, error });
  }

  #send(message: JsonObject): void {
    if (this.#closed) return;
    this.#queueText(stringify(message, { pretty: this.#monitor.pretty, doubles: 'printf' }));
  }

  #deliver(event: EmittedEvent): void {
    if (!this.#negotiated || this.#closed) return;
    this.#queueText(event.text(this.#monitor.pretty));
    const { outputLimit } = this.#environment.limits;
    if (this.#outputLength + this.#transport.writableLength <= outputLimit) return;
    this.flush();
    if (this.#transport.writableLength > outputLimit) {
      this.destroy(new Error(`the client does not read: more than ${outputLimit} bytes wait for it`));
    }
  }

  #queueText(text: string): void {
    const line = this.#monitor.pretty ? `${text.replaceAll('\n', '\r\n')}\r\n` : `${text}\r\n`;
    this.#output.push(line);
    this.#outputLength += line.length;
    if (this.#outputLength > flushLength) this.flush();
    else if (!this.#receiving) this.#scheduleFlush();
  }

  /** At the end of this turn of the event loop, so that what it brings goes out together. */
  #scheduleFlush(): void {
    if (this.#flushScheduled || this.#outputLength === 0) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  #dropRequests(): void {
    for (const request of this.#requests.splice(0)) request.batch?.release();
    this.#environment.queue.remove(this);
  }

  #ended(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#dropRequests();
    this.#batch?.supersede();
    this.#batch?.close();
    this.#batch = undefined;
    this.#reader.reset();
    this.#output = [];
    this.#outputLength = 0;
    this.#onClosed(this.#closeReason ?? error);
  }
}

/** Output is collected up to so many bytes before it goes to the transport; the turn of the event loop ends sooner. */
const flushLength = 64 << 10;
