import type { Native } from '@godwit/native';
import type { Capabilities } from '../protocol/capabilities.js';
import type { Connection } from '../protocol/connection.js';
import type { Message } from '../protocol/receiver.js';
import type { DmaSpace } from './dma-space.js';
import type { ServedFunction } from './function.js';
import type { Interrupts } from './interrupts.js';
import type { IoEventfds } from './io-eventfds.js';

/** What the commands of a negotiated client work on. */
export interface Session {
  readonly native: Native;
  readonly connection: Connection;
  readonly device: ServedFunction;
  readonly dma: DmaSpace;
  readonly interrupts: Interrupts;
  readonly ioEventfds: IoEventfds;
  /** What the client said of itself. */
  readonly peer: Capabilities;
  /** What the server said of itself. */
  readonly own: Capabilities;
  /** Bytes, with whatever was in them, that are good until the command is done. */
  scratch(size: number): Buffer;
}

/** Carries out a command and replies, or throws the VfioError to reply. */
export type CommandHandler = (session: Session, message: Message) => void | Promise<void>;
