import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nestDottedKeys } from '../../src/options/dotted-keys.js';
import { parseKeyval } from '../../src/options/keyval.js';

const parse = (text: string) => {
  const { values, help } = parseKeyval(text, 'qom-type');
  return [{ ...values }, help];
};

test('keys have values, the first may be implied, and later ones win', () => {
  assert.deepEqual(parse('iothread,id=a,b=c=d,e=x,,y'), [
    { 'qom-type': 'iothread', id: 'a', b: 'c=d', e: 'x,y' },
    false,
  ]);
  assert.deepEqual(parse('id=a,qom-type=x,id=b,'), [{ id: 'b', 'qom-type': 'x' }, false]);
  assert.deepEqual(parse('t,rules.0.match=m,__org.example_key=1'), [
    { 'qom-type': 't', 'rules.0.match': 'm', '__org.example_key': '1' },
    false,
  ]);
  assert.deepEqual(parse(''), [{}, false]);
});

test('help may be asked for anywhere', () => {
  for (const text of ['help', '?', 'help,id=x', 't,help', 't,?,id=x'])
    assert.equal(parse(text)[1], true, text);
  for (const text of ['t', 't,help=x', 'id=help']) assert.equal(parse(text)[1], false, text);
});

test('what is no key, and a key without a value, is refused by its name', () => {
  const rows: readonly (readonly [text: string, message: string])[] = [
    ['t,foo', "Expected '=' after parameter 'foo'"],
    ['t,,x', "Invalid parameter ''"],
    ['=x', "Invalid parameter ''"],
    [',', "Invalid parameter ''"],
    ['t,.x=1', "Invalid parameter '.x'"],
    ['t,x.=1', "Invalid parameter 'x.'"],
    ['t,1x=1', "Invalid parameter '1x'"],
    ['t,_x=1', "Invalid parameter '_x'"],
    ['t,x y=1', "Invalid parameter 'x y'"],
  ];
  for (const [text, message] of rows) assert.throws(() => parse(text), { message }, text);
});

test('every key and value comes back', () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9_-]{0,8}$/).filter((name) => name !== 'help');
  fc.assert(
    fc.property(fc.dictionary(key, fc.string()), (values) => {
      const text = Object.entries(values).map(([name, value]) => `${name}=${value.replaceAll(',', ',,')}`);
      assert.deepEqual(parse(text.join(',')), [{ ...values }, false]);
    }),
  );
});

test('dots make objects of keys, numbers lists', () => {
  assert.deepEqual(nestDottedKeys({ a: '1', 's.type': 'unix', 's.path': '/x' }), {
    a: '1',
    s: { type: 'unix', path: '/x' },
  });
  assert.deepEqual(nestDottedKeys({ 'rules.1.match': 'b', 'rules.0.match': 'a' }), {
    rules: [{ match: 'a' }, { match: 'b' }],
  });
  const gap = { 'rules.1.match': 'b' };
  assert.throws(() => nestDottedKeys(gap), { message: "Parameter 'rules.0' missing" });
  const both = { 'a.b': '1', 'a.b.c': '2' };
  assert.throws(() => nestDottedKeys(both), { message: "Parameters 'a.b.*' used inconsistently" });
});
