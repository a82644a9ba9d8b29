import { closeSync } from 'node:fs';
import type { Clock } from '@godwit/clock';
import type { Transport, TransportHandler } from '@godwit/qmp';
import { answerHandshake, longestRequest } from './handshake.js';
import { WebSocketTransport } from './websocket-transport.js';

const endOfHead = '\r\n\r\n';

/**
 * Makes a WebSocket of a connection that a client has just made: takes its request, and answers it. The connection is
 * owned from here on. Time is not limited: who accepts it may destroy the connection.
 * @returns a transport of what the client's binary frames carry
 * @throws Error when the request is refused, which the client is told, or the client goes before it has asked
 */
export function acceptWebSocket(
  connection: Transport,
  clock: Pick<Clock, 'wallMicroseconds'>,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const refuse = (reason: string) => reject(new Error(`a WebSocket was refused: ${reason}`));
    let request: Buffer = Buffer.alloc(0);
    const answer = (length: number) => {
      const head = length < 0 ? undefined : request.toString('latin1', 0, length);
      const { response, refusal } = answerHandshake(head, new Date(clock.wallMicroseconds() / 1000));
      connection.write(Buffer.from(response, 'latin1'));
      if (refusal === undefined) {
        connection.pause();
        const socket = new WebSocketTransport(connection, request.subarray(length + endOfHead.length));
        handler = socket.input;
        resolve(socket);
      } else {
        handler = { ...handler, data: () => {} };
        connection.end();
        refuse(refusal);
      }
    };

    let handler: TransportHandler = {
      data: (chunk) => {
        request = Buffer.concat([request, chunk]);
        const length = request.subarray(0, longestRequest).indexOf(endOfHead);
        if (length >= 0 || request.length >= longestRequest) answer(length);
      },
      drain: () => {},
      ended: () => connection.end(),
      closed: (error) => refuse(error?.message ?? 'the client has gone'),
    };
    connection.start({
      data: (chunk, fds) => {
        // None can come with a frame: what a WebSocket carries is only the frames' payload.
        for (const fd of fds) closeSync(fd);
        handler.data(chunk, []);
      },
      drain: () => handler.drain(),
      ended: () => handler.ended(),
      hungUp: () => handler.hungUp?.(),
      closed: (error) => handler.closed(error),
    });
  });
}
