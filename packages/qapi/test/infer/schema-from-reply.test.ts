import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  generateTypeScript,
  IncompleteReply,
  introspect,
  parseReply,
  schemaFromReply,
} from '../../src/index.js';
import { kitchenSink } from '../kitchen-sink.js';
import { schemaOf } from '../schema-of.js';

const schema = schemaOf(kitchenSink);

describe('a schema from a reply to query-qmp-schema', () => {
  test('introspects to the same reply', () => {
    const reply = introspect(schema);
    assert.deepEqual(introspect(schemaFromReply(reply)), reply);
  });

  test('names types by their use', () => {
    const types = generateTypeScript(schemaFromReply(introspect(schema))).get('types.ts');
    assert.ok(types !== undefined);
    for (const name of [
      'StatusInfo',
      'StatusInfoStatus',
      'SetStateArguments',
      'NodesInfo',
      'StatusChangeEvent',
    ]) {
      assert.match(types, new RegExp(`^export (type|interface) ${name}\\b`, 'm'));
    }
  });

  test('takes names, integer widths, flags and documentation from a known schema', () => {
    const named = schemaFromReply(introspect(schema), schema);
    const names = (kind: string) =>
      named.entities.filter((entity) => entity.kind === kind).map((entity) => entity.name);
    assert.deepEqual(names('enum'), ['RunState', 'NodeKind']);
    assert.deepEqual(introspect(named, { unmasked: true }), introspect(schema, { unmasked: true }));
    const status = named.lookupType('StatusInfo');
    assert.ok(status?.kind === 'object');
    assert.equal(status.members[1]?.type.name, 'uint64');
    assert.match(status.doc?.body ?? '', /How the machine is/);
    assert.equal(named.lookupCommand('query-status')?.allowPreconfig, true);
    assert.equal(named.lookupCommand('vanish')?.successResponse, false);
  });

  test('keeps what the known schema does not have', () => {
    const older = schemaOf(
      "{ 'struct': 'StatusInfo', 'data': {} } { 'command': 'query-status', 'returns': 'StatusInfo' }",
    );
    const named = schemaFromReply(introspect(schema), older);
    const status = named.lookupType('StatusInfo');
    assert.ok(status?.kind === 'object');
    assert.deepEqual(
      status.members.map(({ name }) => name),
      ['status', 'uptime', 'cpus', 'ghosts', 'walls'],
    );
    assert.equal(status.members[0]?.type.name, 'StatusInfoStatus');
  });

  test('a reply that is none is an error that names the place', () => {
    const broken = JSON.parse(JSON.stringify(introspect(schema)));
    broken[0]['ret-type'] = 7;
    assert.throws(() => parseReply(broken), {
      name: 'OutputMismatch',
      message: '[0].ret-type: is not a string',
    });
    assert.throws(() => parseReply({}), { name: 'OutputMismatch', message: 'is not an array' });
    assert.deepEqual(parseReply(JSON.parse(JSON.stringify(introspect(schema)))), introspect(schema));
  });

  test('a reply that lacks a type is an error that names it', () => {
    const reply = introspect(schema).filter((info) => info['meta-type'] !== 'enum');
    assert.throws(() => schemaFromReply(reply), IncompleteReply);
    const looping = [
      { name: 'a', 'meta-type': 'command' as const, 'arg-type': '[1]', 'ret-type': '0' },
      { name: '0', 'meta-type': 'object' as const, members: [] },
      { name: '[1]', 'meta-type': 'array' as const, 'element-type': '0' },
    ];
    assert.throws(() => schemaFromReply(looping), IncompleteReply);
  });
});
