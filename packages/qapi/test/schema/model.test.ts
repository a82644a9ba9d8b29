import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Entity, ObjectType, Schema } from '../../src/index.js';
import { load } from '../check.js';

const text = readFileSync(
  fileURLToPath(new URL('../../../test/fixtures/kitchen-sink.json', import.meta.url)),
  'utf8',
);

function kitchenSink(): Schema {
  const { schema } = load(text);
  assert.ok(schema);
  return schema;
}

function object(schema: Schema, name: string): ObjectType {
  const type = schema.lookupType(name);
  assert.ok(type?.kind === 'object');
  return type;
}

describe('the model', () => {
  it('has entities in the order of their definition, implicit ones where they are first used', () => {
    const names = kitchenSink().entities.map(({ name }) => name);
    assert.deepEqual(names.slice(0, 4), ['str', 'strList', 'number', 'numberList']);
    assert.deepEqual(names.slice(names.indexOf('q_empty')), [
      ...['q_empty', 'QType', 'KettleState', 'Vessel', 'Kettle', 'OldNames', 'q_obj_Source-base', 'Source'],
      ...['SourceRef', 'q_obj_boil-arg', 'KettleList', 'boil', 'attach', 'old_command', 'pour'],
      ...['q_obj_BOILED-arg', 'BOILED', 'POURED'],
    ]);
  });

  it('resolves bases, members, tags and branches, with an empty branch for each value that has none', () => {
    const schema = kitchenSink();
    assert.equal(object(schema, 'Kettle').base, object(schema, 'Vessel'));
    const source = object(schema, 'Source');
    assert.equal(source.tag?.name, 'heat');
    assert.deepEqual(
      source.branches.map(({ value, type, implicit, condition }) => [value, type.name, implicit, condition]),
      [
        ['cold', 'Vessel', false, undefined],
        ['hot', 'Kettle', false, 'CONFIG_HEAT'],
        ['1up', 'q_empty', true, undefined],
      ],
    );
  });

  it('keeps conditions, features and flags', () => {
    const schema = kitchenSink();
    const vessel = object(schema, 'Vessel');
    assert.deepEqual(
      vessel.features.map(({ name, condition }) => [name, condition]),
      [['lid', { not: 'CONFIG_OPEN' }]],
    );
    assert.deepEqual(schema.lookupType('SourceRef')?.condition, {
      all: ['CONFIG_REF', { not: 'CONFIG_OPEN' }],
    });
    assert.equal(schema.lookupEvent('POURED')?.condition, 'CONFIG_HEAT');
    const command = schema.lookupCommand('old_command');
    assert.deepEqual(
      [command?.generate, command?.successResponse, command?.allowOob, command?.coroutine, command?.boxed],
      [false, false, false, false, false],
    );
    assert.equal(schema.lookupCommand('attach')?.allowOob, true);
    assert.equal(schema.lookupCommand('pour')?.coroutine, true);
    assert.equal(schema.lookupCommand('boil')?.allowPreconfig, true);
  });

  it('keeps types, commands and events apart', () => {
    const schema = kitchenSink();
    assert.equal(schema.lookupType('boil'), undefined);
    assert.equal(schema.lookupCommand('BOILED'), undefined);
    assert.equal(schema.lookupEvent('Kettle'), undefined);
    assert.equal(schema.lookupType('no-such'), undefined);
  });

  it('knows where everything was written', () => {
    const written = (entity: Entity): string | undefined =>
      entity.span && text.slice(entity.span.start, entity.span.end);
    const schema = kitchenSink();
    assert.match(written(object(schema, 'OldNames'))!, /^\{ 'struct': 'OldNames'.*\}$/s);
    assert.equal(written(schema.lookupType('KettleList')!), undefined);
    const [member] = object(schema, 'Vessel').members;
    assert.equal(text.slice(member!.span!.start, member!.span!.end), "'volume'");
  });

  it('ties documentation to what it documents', () => {
    const schema = kitchenSink();
    const { doc } = schema.lookupCommand('boil')!;
    assert.equal(doc?.body, 'Boil water.');
    assert.ok(schema.documentation.includes(doc));
    assert.equal(schema.documentation[0]?.symbol, undefined);
  });

  it('gives an array the module and the condition of its elements', () => {
    const { schema } = load("{ 'include': 'sub.json' }{ 'command': 'do', 'returns': [ 'Aa' ] }", {
      'sub.json': "{ 'struct': 'Aa', 'data': {}, 'if': 'CONFIG_A' }",
    });
    const array = schema?.lookupType('AaList');
    assert.equal(array?.module.name, 'sub.json');
    assert.equal(array?.condition, 'CONFIG_A');
  });
});
