import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type IntrospectOptions, introspect } from '../../src/index.js';
import { kitchenSink } from '../kitchen-sink.js';
import { schemaOf } from '../schema-of.js';

const schema = schemaOf(kitchenSink);
const find = (name: string, options: IntrospectOptions = { unmasked: true }) =>
  introspect(schema, options).find((info) => info.name === name);

describe('introspection', () => {
  test('lists commands and events in order, then types in order of their first use', () => {
    const text = `
      { 'struct': 'Late', 'data': { 'e': 'Kind', 'n': 'uint8', 'l': [ 'int16' ] } }
      { 'enum': 'Kind', 'data': [ 'a' ] }
      { 'command': 'second', 'data': { 'late': 'Late' } }
      { 'event': 'FIRST' }
      { 'struct': 'Unused', 'data': {} }`;
    assert.deepEqual(introspect(schemaOf(text)), [
      { name: 'second', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '1' },
      { name: 'FIRST', 'meta-type': 'event', 'arg-type': '1' },
      { name: '0', 'meta-type': 'object', members: [{ name: 'late', type: '2' }] },
      { name: '1', 'meta-type': 'object', members: [] },
      {
        name: '2',
        'meta-type': 'object',
        members: [
          { name: 'e', type: '3' },
          { name: 'n', type: 'int' },
          { name: 'l', type: '[int]' },
        ],
      },
      { name: '3', 'meta-type': 'enum', members: [{ name: 'a' }], values: ['a'] },
      { name: 'int', 'meta-type': 'builtin', 'json-type': 'int' },
      { name: '[int]', 'meta-type': 'array', 'element-type': 'int' },
    ]);
  });

  test('the number of a type does not depend on the configuration', () => {
    const all = introspect(schema);
    const some = introspect(schema, { config: new Set() });
    assert.ok(some.length < all.length);
    const byName = new Map(all.map((info) => [info.name, info['meta-type']]));
    for (const info of some) assert.equal(byName.get(info.name), info['meta-type']);
  });

  test('a configuration takes away commands, members, values and their features', () => {
    const config = new Set(['CONFIG_WALLS']);
    const names = introspect(schema, { config, unmasked: true }).map(({ name }) => name);
    assert.ok(!names.includes('peek'));
    const status = find('StatusInfo', { config, unmasked: true });
    assert.ok(status?.['meta-type'] === 'object');
    assert.deepEqual(
      status.members.map(({ name }) => name),
      ['status', 'uptime', 'cpus'],
    );
    const state = find('RunState', { config, unmasked: true });
    assert.ok(state?.['meta-type'] === 'enum');
    assert.deepEqual(state.values, ['running', 'paused']);
  });

  test('features that a configuration takes away leave an empty list, those that never were none', () => {
    const text = "{ 'command': 'a', 'features': [ { 'name': 'f', 'if': 'X' } ] } { 'command': 'b' }";
    const [a, b] = introspect(schemaOf(text), { config: new Set() });
    assert.deepEqual(a?.features, []);
    assert.ok(b !== undefined && !('features' in b));
  });

  test('a union has flat members, its tag, and implicit empty branches last', () => {
    assert.deepEqual(find('Node'), {
      name: 'Node',
      'meta-type': 'object',
      members: [
        { name: 'kind', type: 'NodeKind' },
        { name: 'id', type: 'str' },
      ],
      tag: 'kind',
      variants: [
        { case: 'file', type: 'FileNode' },
        { case: 'filter', type: 'FilterNode' },
        { case: 'nothing', type: 'q_empty' },
      ],
    });
  });

  test('members of a base come first, an optional one has a null default', () => {
    const picture = find('Picture');
    assert.ok(picture?.['meta-type'] === 'object');
    assert.deepEqual(picture.members, [
      { name: 'filename', type: 'str' },
      { name: 'direct', type: 'bool', default: null },
      { name: 'scale', type: 'number' },
      { name: 'meta', type: 'any' },
    ]);
  });

  test('allow-oob appears where it is true', () => {
    const oob = introspect(schema).filter((info) => 'allow-oob' in info);
    assert.deepEqual(
      oob.map(({ name }) => name),
      ['yank'],
    );
  });
});
