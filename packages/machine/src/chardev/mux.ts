import type { Clock } from '@godwit/clock';
import type { Transport, TransportHandler } from '@godwit/qmp';
import type { ChardevFrontend } from './frontend-slot.js';

/** Control-A: what follows is for the multiplexer. */
const ESCAPE = 0x01;

/** Keys that wait for a serial port which has no room, before the client is not read any more. */
const PORT_ROOM = 4096;

const HELP = [
  'C-a h    print this help',
  'C-a x    exit emulator',
  'C-a s    save disk data back to file (if -snapshot)',
  'C-a t    toggle console timestamps',
  'C-a b    send break (magic sysrq)',
  'C-a c    switch between console and monitor',
  'C-a C-a  sends C-a',
];

export interface MuxOptions {
  readonly label: string;
  readonly clock: Clock;
  /** Keys wait until there are so many frontends. */
  readonly expected?: number;
  /** The user asks for the end of the machine. */
  readonly onExit: () => void;
}

interface User {
  readonly frontend: ChardevFrontend;
  transport: MuxTransport | undefined;
}

/**
 * Several frontends at one character device (mux=on): what all of them write reaches the client, who says with Control-A
 * and c which of them gets the keys.
 */
export class Mux implements ChardevFrontend {
  readonly label: string;
  readonly #options: MuxOptions;
  readonly #users: User[] = [];
  #focus = 0;
  #connection: Transport | undefined;
  #escaped = false;
  /** Keys that wait until the frontend that has the focus is done with those before. */
  #waiting: number[] = [];
  /** When timestamps were switched on, in milliseconds of the clock; undefined while they are off. */
  #stampsSince: number | undefined;
  #atLineStart = false;

  constructor(options: MuxOptions) {
    this.label = options.label;
    this.#options = options;
  }

  get used(): boolean {
    return this.#users.length > 0;
  }

  /** Adds a frontend; the serial port, which is there first, keeps the keys. */
  add(frontend: ChardevFrontend): void {
    const user: User = { frontend, transport: undefined };
    this.#users.push(user);
    if (this.#users.length > 1) frontend.focus?.(false);
    if (this.#connection !== undefined) this.#connect(user, this.#connection);
    this.#pass();
  }

  /** Goes to the frontend that has the keys. */
  receiveBreak(): void {
    this.#users[this.#focus]?.frontend.receiveBreak?.();
  }

  attach(transport: Transport): Promise<Error | undefined> {
    this.#connection = transport;
    this.#escaped = false;
    this.#waiting = [];
    // The first keys may be there as soon as it is started.
    for (const user of this.#users) this.#connect(user, transport);
    return new Promise((resolve) => {
      transport.start({
        data: (chunk) => {
          this.#waiting.push(...chunk);
          this.#pass();
          if (this.#waiting.length > PORT_ROOM) transport.pause();
        },
        drain: () => this.#each((user) => user.drain()),
        ended: () => this.#each((user) => user.ended()),
        closed: (error) => {
          this.#connection = undefined;
          this.#each((user) => user.closed(error));
          for (const user of this.#users) user.transport = undefined;
          resolve(error);
        },
      });
    });
  }

  #each(tell: (transport: MuxTransport) => void): void {
    for (const { transport } of this.#users) if (transport !== undefined) tell(transport);
  }

  #connect(user: User, connection: Transport): void {
    user.transport = new MuxTransport(connection, {
      // A person's commands are done in turn; a port that nobody reads must not keep the keys from others.
      room: user.frontend.focus === undefined ? PORT_ROOM : 0,
      write: (bytes) => this.#write(connection, bytes),
      resumed: () => this.#pass(),
    });
    void user.frontend.attach(user.transport);
  }

  #pass(): void {
    if (this.#users.length < (this.#options.expected ?? 0)) return;
    const waited = this.#waiting.length > PORT_ROOM;
    while (this.#waiting.length > 0 && this.#focused?.full !== true) {
      const key = this.#waiting.shift()!;
      if (this.#escaped && key !== ESCAPE) this.#command(String.fromCharCode(key));
      else if (this.#escaped || key !== ESCAPE) this.#focused?.deliver(Uint8Array.of(key));
      this.#escaped = !this.#escaped && key === ESCAPE;
    }
    if (waited && this.#waiting.length === 0) this.#connection?.resume();
  }

  get #focused(): MuxTransport | undefined {
    return this.#users[this.#focus]?.transport;
  }

  #command(key: string): void {
    switch (key) {
      case 'h':
      case '?':
        this.#print(`\n\r${HELP.map((line) => `${line}\n\r`).join('')}`);
        break;
      case 'x':
        this.#print('QEMU: Terminated\n\r');
        this.#options.onExit();
        break;
      case 'b':
        this.receiveBreak();
        break;
      case 'c':
        this.#switch();
        break;
      case 't':
        this.#stampsSince = this.#stampsSince === undefined ? this.#options.clock.now() : undefined;
        this.#atLineStart = false;
        break;
    }
  }

  #switch(): void {
    this.#users[this.#focus]?.frontend.focus?.(false);
    this.#focus = (this.#focus + 1) % Math.max(1, this.#users.length);
    this.#users[this.#focus]?.frontend.focus?.(true);
  }

  #print(text: string): void {
    if (this.#connection !== undefined) this.#write(this.#connection, Buffer.from(text));
  }

  #write(connection: Transport, bytes: Uint8Array): boolean {
    return connection.write(
      this.#stampsSince === undefined ? bytes : this.#stamped(bytes, this.#stampsSince),
    );
  }

  #stamped(bytes: Uint8Array, since: number): Uint8Array {
    let text = '';
    for (const character of Buffer.from(bytes).toString('latin1')) {
      if (this.#atLineStart) text += stamp(this.#options.clock.now() - since);
      text += character;
      this.#atLineStart = character === '\n';
    }
    return Buffer.from(text, 'latin1');
  }
}

/** `[hh:mm:ss.mmm] ` */
function stamp(milliseconds: number): string {
  return `[${new Date(milliseconds).toISOString().slice(11, 23)}] `;
}

/** What a frontend's share needs of the multiplexer. */
interface MuxSide {
  /** How many keys it takes while the frontend takes none. */
  readonly room: number;
  write(bytes: Uint8Array): boolean;
  /** The frontend takes keys again. */
  resumed(): void;
}

/** One frontend's share of the connection. */
class MuxTransport implements Transport {
  readonly carriesDescriptors = false;
  readonly #connection: Transport;
  readonly #mux: MuxSide;
  #handler: TransportHandler | undefined;
  #closed = false;
  #paused = false;
  /** Keys that came while the frontend took none. */
  #kept: number[] = [];

  constructor(connection: Transport, mux: MuxSide) {
    this.#connection = connection;
    this.#mux = mux;
  }

  /** Whether keys have to wait elsewhere. */
  get full(): boolean {
    return this.#paused && this.#kept.length >= this.#mux.room;
  }

  get writableLength(): number {
    return this.#connection.writableLength;
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
  }

  deliver(bytes: Uint8Array): void {
    if (this.#paused) this.#kept.push(...bytes);
    else this.#handler?.data(bytes, []);
    if (this.full) this.#connection.pause();
  }

  drain(): void {
    this.#handler?.drain();
  }

  ended(): void {
    this.#handler?.ended();
  }

  closed(error: Error | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handler?.closed(error);
  }

  write(bytes: Uint8Array): boolean {
    return this.#closed || this.#mux.write(bytes);
  }

  pause(): void {
    this.#paused = true;
    if (this.full) this.#connection.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    const kept = this.#kept;
    this.#kept = [];
    if (kept.length > 0) this.#handler?.data(Uint8Array.from(kept), []);
    if (this.full) return;
    this.#connection.resume();
    this.#mux.resumed();
  }

  /** The client hung up, or the machine ends: for all of them alike. */
  end(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }
}
