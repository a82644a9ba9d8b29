import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import type { Clock } from '@godwit/clock';
import type { Native } from '@godwit/native';
import type { QmpCodec } from './types.js';

export interface ReconnectOptions {
  /** Before the first attempt; doubled after each that failed. 100 unless given. */
  readonly delayMs?: number;
  /** 5000 unless given. */
  readonly maxDelayMs?: number;
  /** Commands that are executed after a reconnect, for the snapshot of the gap notice. */
  readonly snapshot?: readonly string[];
}

export interface QmpClientOptions<Commands, Events> {
  /** Types the client and checks what goes over the wire. Without it everything is JSON. */
  readonly protocol?: QmpCodec<Commands, Events> | undefined;
  readonly clock?: Clock | undefined;
  /** The addon, for descriptors. */
  readonly native?: Native | undefined;
  readonly tls?: TlsConnectionOptions | undefined;
  /** Gives up connecting. */
  readonly signal?: AbortSignal | undefined;
  /** For connecting and negotiating, and for the snapshot of a gap notice. 10000 unless given. */
  readonly connectTimeoutMs?: number | undefined;
  /** Nobody need listen yet, as where the server was started a moment ago: tries again until `connectTimeoutMs`. */
  readonly awaitServer?: boolean | undefined;
  /** For commands that are given none of their own. */
  readonly timeoutMs?: number | undefined;
  /** Connects again when the connection is lost. Without it that ends the client. */
  readonly reconnect?: ReconnectOptions | true | undefined;
}
