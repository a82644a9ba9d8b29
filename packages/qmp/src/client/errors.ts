import type { JsonValue } from '@godwit/json';
import type { QmpErrorClass } from '../server/dispatcher.js';

/** Which command an error is about. */
export interface FailedCommand {
  readonly command: string;
  /** As they were given to `execute`. */
  readonly arguments: unknown;
}

/** The server refused a command or failed at it. The message is the server's. */
export class QmpCommandError extends Error implements FailedCommand {
  override readonly name = 'QmpCommandError';
  /** A class that this version does not know is passed on as it is. */
  readonly errorClass: QmpErrorClass | (string & {});
  readonly command: string;
  readonly arguments: unknown;

  constructor(errorClass: string, message: string, failed: FailedCommand) {
    super(message);
    this.errorClass = errorClass;
    this.command = failed.command;
    this.arguments = failed.arguments;
  }
}

/** The command has run, but its reply is not of the type that the protocol declares. The codec's error is the `cause`. */
export class QmpReplyError extends Error implements FailedCommand {
  override readonly name = 'QmpReplyError';
  readonly command: string;
  readonly arguments: unknown;
  /** The value of `return`, as it came. */
  readonly reply: JsonValue;

  constructor(reply: JsonValue, failed: FailedCommand, cause: Error) {
    super(`the reply to ${failed.command} is not of its type: ${cause.message}`, { cause });
    this.command = failed.command;
    this.arguments = failed.arguments;
    this.reply = reply;
  }
}

/** No reply came in time. The command may still run, and may still have its effect. */
export class QmpTimeoutError extends Error implements FailedCommand {
  override readonly name = 'QmpTimeoutError';
  readonly command: string;
  readonly arguments: unknown;
  readonly timeoutMs: number;

  constructor(timeoutMs: number, failed: FailedCommand) {
    super(`${failed.command} timed out after ${timeoutMs} ms; the command may still run`);
    this.command = failed.command;
    this.arguments = failed.arguments;
    this.timeoutMs = timeoutMs;
  }
}

/** There is no connection, or it was lost before the reply came; the command may have run. */
export class QmpDisconnectedError extends Error {
  override readonly name = 'QmpDisconnectedError';
  /** The command whose reply was lost; absent when it was not sent at all. */
  readonly lost: FailedCommand | undefined;

  constructor(message: string, lost?: FailedCommand, options?: ErrorOptions) {
    super(message, options);
    this.lost = lost;
  }
}

/** The peer does not speak QMP as it should. */
export class QmpProtocolError extends Error {
  override readonly name = 'QmpProtocolError';
}
