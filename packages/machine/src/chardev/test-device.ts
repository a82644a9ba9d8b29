import { Readable, Writable } from 'node:stream';
import { StreamTransport, type Transport } from '@godwit/qmp';

/** Bytes of an order that is not complete yet; what is longer is none. */
const ORDER_LIMIT = 32;

/** A number and a letter, with spaces before each; the number may be missing. */
const ORDER = /^\s*(\d*)\s*([^\s\d])/;

/**
 * A device through which a test in the guest ends the machine (-chardev testdev): `Nq` ends it with the exit code 2N + 1.
 * Other orders are left out.
 * @param onEnd called with the exit code
 */
export function testDeviceTransport(onEnd: (exitCode: number) => void): Transport {
  let order = '';
  const output = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      for (const byte of chunk) {
        order = order.length < ORDER_LIMIT ? order + String.fromCharCode(byte) : '';
        const [whole, number, letter] = ORDER.exec(order) ?? [];
        if (whole === undefined) continue;
        order = '';
        if (letter === 'q') onEnd(((Number(number) << 1) | 1) & 0xff);
      }
      done();
    },
  });
  return new StreamTransport({ input: new Readable({ read() {} }), output });
}
