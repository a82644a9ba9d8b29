import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from '../check.js';

describe('pragmas', () => {
  it('let commands be named with underscores and return anything', () => {
    const { diagnostics } = load(`
      { 'pragma': { 'command-name-exceptions': [ 'do_it' ], 'command-returns-exceptions': [ 'do_it' ] } }
      { 'command': 'do_it', 'returns': 'int' }`);
    assert.deepEqual(diagnostics, []);
  });

  it('let members be named as they were and go undocumented', () => {
    const { diagnostics } = load(`
      { 'pragma': { 'member-name-exceptions': [ 'Aa' ], 'documentation-exceptions': [ 'Aa' ] } }
##
# @Aa:
##
      { 'struct': 'Aa', 'data': { 'Old_Name': 'int' } }`);
    assert.deepEqual(diagnostics, []);
  });
});
