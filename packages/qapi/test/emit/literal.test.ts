import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { type Data, printLiteral } from '../../src/emit/literal.js';
import { lineWidth } from '../../src/emit/source-file.js';

const evaluate = (text: string): unknown => new Function(`return ${text}`)();

describe('printing data as a literal', () => {
  test('what is printed evaluates to the same data', () => {
    const { data } = fc.letrec<{ data: Data }>((tie) => ({
      data: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.string({ unit: 'binary-ascii' }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('data')),
        fc.dictionary(
          fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
          tie('data'),
          {
            noNullPrototype: true,
          },
        ),
      ),
    }));
    fc.assert(
      fc.property(data, (value) => assert.deepEqual(evaluate(printLiteral(value)), value)),
      { numRuns: 50 },
    );
  });

  test('lines break where they would be too long', () => {
    const names = Array.from({ length: 40 }, (_, index) => `value-${index}`);
    const lines = printLiteral({ short: ['a'], names }).split('\n');
    assert.ok(lines.every((line) => line.length <= lineWidth));
    assert.equal(lines[1], "  short: ['a'],");
    assert.equal(lines.length, 45);
  });
});
