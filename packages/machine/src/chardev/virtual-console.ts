import { Readable, Writable } from 'node:stream';
import { StreamTransport, type Transport } from '@godwit/qmp';
import { Terminal } from '../console/terminal.js';

/**
 * A terminal that no viewer shows (-chardev vc): it carries out what is written to it, and answers the inquiries of whoever
 * writes (ECMA-48 DSR): that it is ready, and where its cursor is.
 * @param size in characters
 */
export function virtualConsoleTransport(size: {
  readonly columns: number;
  readonly rows: number;
}): Transport {
  const input = new Readable({ read() {} });
  const terminal = new Terminal({ ...size, answer: (bytes) => input.push(bytes) });
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      terminal.write(chunk);
      done();
    },
  });
  return new StreamTransport({ input, output });
}
