import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from '../check.js';

describe('dialects', () => {
  it('differ in what they require', () => {
    const conditional = "{ 'command': 'do', 'data': { 'b': { 'type': 'int', 'if': 'XX' } } }";
    assert.equal(load(conditional, { dialect: '7.2' }).diagnostics.length, 0);
    assert.equal(load(conditional, { dialect: '10.0' }).diagnostics.length, 1);
    const undocumented = "##\n# @Ee:\n##\n{ 'enum': 'Ee', 'data': [ 'a' ] }";
    assert.equal(load(undocumented, { dialect: '7.2' }).diagnostics.length, 0);
    assert.equal(load(undocumented, { dialect: '10.0' }).diagnostics.length, 1);
  });

  it('differ in how they word an error', () => {
    const list = "{ 'command': 'do', 'data': [] }";
    assert.equal(load(list, { dialect: '7.2' }).diagnostics[0]!.message, "'data' cannot be an array");
    assert.equal(
      load(list, { dialect: '10.2' }).diagnostics[0]!.message,
      "'data' should be an object or type name",
    );
  });
});
