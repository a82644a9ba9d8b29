/** The peer broke the protocol, so that the connection cannot go on. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

/** The connection ended, or did not answer, while something was asked over it. */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
}
