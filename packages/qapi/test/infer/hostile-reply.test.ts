import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  generateTypeScript,
  IncompleteReply,
  introspect,
  parseReply,
  schemaFromReply,
} from '../../src/index.js';
import { type JsonValue, OutputMismatch, type SchemaInfo } from '../../src/runtime/index.js';
import { kitchenSink } from '../kitchen-sink.js';
import { schemaOf } from '../schema-of.js';

const schema = schemaOf(kitchenSink);
const text = JSON.stringify(introspect(schema));

/** Generates from a reply; undefined when it is refused with one of the errors that say why. */
function generate(reply: JsonValue): ReadonlyMap<string, string> | undefined {
  try {
    return generateTypeScript(schemaFromReply(parseReply(reply), schema));
  } catch (error) {
    if (error instanceof OutputMismatch || error instanceof IncompleteReply) return undefined;
    throw error;
  }
}

describe('a reply of a server that lies', () => {
  test('with parts replaced by others is generated from, or refused with a reason', () => {
    const scalars = [...text.matchAll(/"[^"]*"(?!:)|null|true/g)].map((match) => [
      match.index,
      match[0].length,
    ]);
    const spot = fc.constantFrom(...scalars);
    const part = fc.constantFrom(
      '"0"',
      '"1"',
      '"[1]"',
      '"[int]"',
      '"int"',
      '"nothing"',
      '"query-status"',
      'null',
      '7',
      '[]',
      '{}',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(spot, part), { minLength: 1, maxLength: 4 }), (edits) => {
        let edited = text;
        for (const [[index = 0, length = 0], replacement] of edits.sort(([[a = 0]], [[b = 0]]) => b - a)) {
          edited = edited.slice(0, index) + replacement + edited.slice(index + length);
        }
        let reply: JsonValue;
        try {
          reply = JSON.parse(edited) as JsonValue;
        } catch {
          return;
        }
        generate(reply);
      }),
    );
  });

  test('with lists that contain themselves is refused', () => {
    const reply: SchemaInfo[] = [
      { name: 'go', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '[1]' },
      { name: '0', 'meta-type': 'object', members: [] },
      { name: '[1]', 'meta-type': 'array', 'element-type': '[1]' },
    ];
    assert.throws(() => schemaFromReply(reply), IncompleteReply);
  });

  test('with a chain of many thousand types is no deep recursion', () => {
    const length = 20_000;
    const reply: SchemaInfo[] = [{ name: 'go', 'meta-type': 'command', 'arg-type': '0', 'ret-type': 'e' }];
    reply.push({ name: 'e', 'meta-type': 'object', members: [] });
    for (let index = 0; index < length; index += 1) {
      const members = index + 1 < length ? [{ name: 'a', type: `${index + 1}` }] : [];
      reply.push({ name: `${index}`, 'meta-type': 'object', members });
    }
    assert.equal(schemaFromReply(reply).entities.length, length + 2);
  });

  test('cannot put code into what is generated', () => {
    const evil = ['`$', '{process.exit()}`*/ \' " \\ \n process.exit() //'].join('');
    const reply: SchemaInfo[] = [
      { name: evil, 'meta-type': 'command', 'arg-type': '1', 'ret-type': '0', features: [evil] },
      { name: '0', 'meta-type': 'object', members: [] },
      { name: '1', 'meta-type': 'object', members: [{ name: evil, type: '2', features: [evil] }] },
      { name: '2', 'meta-type': 'enum', values: [evil] },
    ];
    const files = generateTypeScript(schemaFromReply(reply), { header: `a\nprocess.exit()` });
    const code = (file: string) =>
      files
        .get(file)!
        .replace(/^import .*;$/gm, '')
        .replace(/: (Protocol|readonly)[^=]*=/, ' =');
    const evaluate = (file: string, name: string): unknown =>
      new Function('process', `${code(file).replace('export const', 'const')}; return ${name};`)({
        exit: () => assert.fail('the code ran'),
      });
    const protocol = evaluate('protocol.ts', 'protocol') as { commands: object };
    assert.deepEqual(Object.keys(protocol.commands), [evil]);
    const introspection = evaluate('introspection.ts', 'introspection') as SchemaInfo[];
    assert.equal(introspection[0]?.name, evil);
  });
});
