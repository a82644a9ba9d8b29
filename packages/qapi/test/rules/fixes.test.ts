import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fixedText, load } from '../check.js';

describe('fixes', () => {
  it('correct a type that was misspelt', () => {
    const { diagnostics } = load("{ 'struct': 'Aa', 'data': { 'a': 'uint46' } }");
    assert.equal(fixedText(diagnostics[0]!), undefined, 'uint16 and uint64 are as near as each other');
    const [misspelt] = load(
      "{ 'struct': 'BlockInfo', 'data': {} }\n{ 'struct': 'Aa', 'data': { 'a': 'BlokInfo' } }",
    ).diagnostics;
    assert.equal(
      fixedText(misspelt!),
      "{ 'struct': 'BlockInfo', 'data': {} }\n{ 'struct': 'Aa', 'data': { 'a': 'BlockInfo' } }\n",
    );
  });

  it('correct a key that was misspelt', () => {
    const [misspelt] = load("{ 'command': 'do', 'retruns': 'Nothing' }").diagnostics;
    assert.equal(fixedText(misspelt!), "{ 'command': 'do', 'returns': 'Nothing' }\n");
  });

  it('turn the name of an event into capitals', () => {
    const [event] = load("{ 'event': 'it-happened' }").diagnostics;
    assert.equal(fixedText(event!), "{ 'event': 'IT_HAPPENED' }\n");
  });
});
