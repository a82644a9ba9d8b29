import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load, markedText } from '../check.js';

/** A schema that breaks one rule: the rule, the schema, what is said and what is marked. */
export type Case = readonly [
  behaviour: string,
  rule: string,
  schema: string,
  message: string,
  marked: string,
];

/** A test for each case: exactly the one error is found. */
export function describeRules(title: string, cases: readonly Case[]): void {
  describe(title, () => {
    for (const [behaviour, rule, schema, message, marked] of cases) {
      it(behaviour, () => {
        const { diagnostics, schema: result } = load(schema);
        assert.deepEqual(
          diagnostics.map((diagnostic) => [diagnostic.rule, diagnostic.message, markedText(diagnostic)]),
          [[rule, message, marked]],
        );
        assert.equal(result, undefined);
      });
    }
  });
}
