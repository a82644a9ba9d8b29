import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { inferConfig, introspect } from '../../src/index.js';
import { schemaOf } from '../schema-of.js';

const schema = schemaOf(`
  { 'enum': 'Kind', 'data': [ 'a', { 'name': 'b', 'if': 'B' } ] }
  { 'struct': 'Thing', 'data': { 'kind': 'Kind', '*x': { 'type': 'int', 'if': { 'all': [ 'B', 'C' ] } },
                                 '*y': { 'type': 'int', 'if': { 'any': [ 'D', { 'not': 'C' } ] } } } }
  { 'command': 'go', 'data': 'Thing', 'boxed': true, 'features': [ { 'name': 'f', 'if': 'F' } ] }
  { 'command': 'wait', 'if': { 'not': 'W' } }
  { 'event': 'GONE', 'if': { 'any': [ 'D', 'W' ] } }
`);
const symbols = ['B', 'C', 'D', 'F', 'W'];

describe('inferring the configuration of a server', () => {
  test('the inferred configuration gives the same reply, and decided symbols are right', () => {
    fc.assert(
      fc.property(fc.subarray(symbols), (chosen) => {
        const config = new Set(chosen);
        const reply = introspect(schema, { config });
        const inferred = inferConfig(schema, reply);
        assert.equal(inferred.contradictory.size, 0);
        for (const symbol of inferred.defined) assert.ok(config.has(symbol), symbol);
        for (const symbol of inferred.undefined) assert.ok(!config.has(symbol), symbol);
      }),
    );
  });

  test('combined conditions decide a symbol once the others are known', () => {
    const inferred = inferConfig(schema, introspect(schema, { config: new Set(['B', 'C', 'F']) }));
    assert.deepEqual([...inferred.defined], ['B', 'C', 'F']);
    assert.deepEqual([...inferred.undefined], ['D', 'W']);
    assert.equal(inferred.undecided.size, 0);
  });

  test('a symbol that would have to be both is contradictory', () => {
    const twice = schemaOf("{ 'command': 'a', 'if': 'X' } { 'command': 'b', 'if': 'X' }");
    const reply = introspect(twice, { config: new Set(['X']) }).filter(({ name }) => name !== 'b');
    assert.deepEqual([...inferConfig(twice, reply).contradictory], ['X']);
  });
});
