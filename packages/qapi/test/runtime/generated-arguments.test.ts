import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { ArgumentGenerator } from '../../conformance/arguments/generate.js';
import { Random } from '../../conformance/arguments/random.js';
import { describeProtocol } from '../../src/index.js';
import { decode, decodeOutput, encode, type ProtocolDescriptor, QapiError } from '../../src/runtime/index.js';
import { kitchenSink } from '../kitchen-sink.js';
import { schemaOf } from '../schema-of.js';
import { protocol as byHand } from './protocol.js';

const protocols: readonly ProtocolDescriptor[] = [byHand, describeProtocol(schemaOf(kitchenSink))];
const types = protocols.flatMap((protocol) =>
  Object.keys(protocol.types).map((type) => [protocol, type] as const),
);

/** A type, and a value of it of which each part is wrong with a probability. */
const generated = (faults: number) =>
  fc.tuple(fc.constantFrom(...types), fc.integer()).map(([[protocol, type], seed]) => ({
    protocol,
    type,
    value: new ArgumentGenerator(protocol, new Random(seed), faults).value(type),
  }));

describe('generated values', () => {
  test('right ones decode, strictly and leniently, and survive encoding', () => {
    fc.assert(
      fc.property(generated(0), ({ protocol, type, value }) => {
        const decoded = decode(protocol, type, value);
        assert.deepEqual(decodeOutput(protocol, type, value), decoded);
        const encoded = encode(protocol, type, decoded);
        assert.deepEqual(encode(protocol, type, decode(protocol, type, encoded)), encoded);
      }),
      { numRuns: 500 },
    );
  });

  test('wrong ones are refused with one of the texts that a server has, or are right by chance', () => {
    const texts =
      /^(Parameter '.*' (is missing|is unexpected|expects u?int(8_t|16_t|32_t|64)|does not accept value '.*')|Invalid parameter type for '.*', expected: (object|array|integer|boolean|string|number|null|NodeRef|Limit))$/;
    fc.assert(
      fc.property(generated(0.3), ({ protocol, type, value }) => {
        try {
          encode(protocol, type, decode(protocol, type, value));
        } catch (error) {
          assert.ok(error instanceof QapiError, `${error}`);
          assert.equal(error.errorClass, 'GenericError');
          assert.match(error.message, texts);
        }
      }),
      { numRuns: 500 },
    );
  });
});
