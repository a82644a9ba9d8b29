import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fixedText, load, markedText } from '../check.js';

/** A schema that breaks one rule: the rule, the schema, what is said and what is marked. */
type Case = readonly [behaviour: string, rule: string, schema: string, message: string, marked: string];

const cases: readonly Case[] = [
  [
    'a definition says what it defines, once',
    'definition-kind',
    "{ 'struct': 'Aa', 'enum': 'Bb', 'data': {} }",
    "expression must have exactly one key 'enum', 'struct', 'union', 'alternate', 'command', 'event'",
    "'struct'",
  ],
  [
    'a name is a string',
    'name-is-string',
    "{ 'struct': [], 'data': {} }",
    "'struct' requires a string name",
    '[]',
  ],
  [
    'a name has only the characters of names',
    'valid-name',
    "{ 'struct': 'Aa', 'data': { 'a b': 'int' } }",
    "'data' member 'a b' has an invalid name",
    "'a b'",
  ],
  [
    'the prefix q_ is reserved',
    'valid-name',
    "{ 'enum': 'Aa', 'data': [ 'q-unix' ] }",
    "'data' member 'q-unix' has an invalid name",
    "'q-unix'",
  ],
  [
    'types are CamelCase',
    'camel-case-name',
    "{ 'struct': 'not-camel', 'data': {} }",
    'name of struct must use CamelCase',
    "'not-camel'",
  ],
  [
    'commands are lower-case',
    'lower-case-name',
    "{ 'command': 'do_it' }",
    "name of command must not use uppercase or '_'",
    "'do_it'",
  ],
  [
    'features are lower-case',
    'lower-case-name',
    "{ 'command': 'do', 'features': [ 'Fast' ] }",
    "name of 'features' member 'Fast' must not use uppercase or '_'",
    "'Fast'",
  ],
  [
    'events are upper-case',
    'upper-case-name',
    "{ 'event': 'It-happened' }",
    "name of event must not use lowercase or '-'",
    "'It-happened'",
  ],
  [
    'type names do not end in List',
    'reserved-type-name',
    "{ 'struct': 'FooList', 'data': {} }",
    "struct name should not end in 'List'",
    "'FooList'",
  ],
  [
    'members are not called u or has-…',
    'reserved-name',
    "{ 'struct': 'Aa', 'data': { '*has-b': 'int' } }",
    "'data' member '*has-b' uses reserved name",
    "'*has-b'",
  ],
  [
    'no required key is missing',
    'required-keys',
    "{ 'union': 'Uu', 'data': {} }",
    "union misses keys 'base', 'discriminator'",
    "{ 'union': 'Uu', 'data': {} }",
  ],
  [
    'no key is unknown',
    'known-keys',
    "{ 'event': 'EE', 'dat': {} }",
    "event has unknown key 'dat'\nValid keys are 'boxed', 'data', 'event', 'features', 'if'.",
    "'dat'",
  ],
  [
    'a flag is only written where it departs from its default',
    'flags',
    "{ 'command': 'do', 'gen': true }",
    "flag 'gen' may only use false value",
    'true',
  ],
  [
    'coroutines cannot run out of band',
    'flags',
    "{ 'command': 'do', 'allow-oob': true, 'coroutine': true }",
    "flags 'allow-oob' and 'coroutine' are incompatible",
    "'coroutine'",
  ],
  [
    'a condition is a symbol',
    'condition',
    "{ 'command': 'do', 'if': 'lower' }",
    "'if' condition 'lower' of command is not a valid identifier",
    "'lower'",
  ],
  [
    'a condition has one operator',
    'condition',
    "{ 'command': 'do', 'if': { 'any': [ 'AA' ], 'not': 'BB' } }",
    "'if' condition of command has conflicting keys",
    "{ 'any': [ 'AA' ], 'not': 'BB' }",
  ],
  [
    'a condition is not empty',
    'condition',
    "{ 'command': 'do', 'if': { 'all': [] } }",
    "'if' condition [] of command is useless",
    '[]',
  ],
  [
    'features are a list',
    'features',
    "{ 'command': 'do', 'features': 'fast' }",
    "'features' must be an array",
    "'fast'",
  ],
  [
    'a member has a type',
    'type-reference',
    "{ 'struct': 'Aa', 'data': { 'a': true } }",
    "'data' member 'a' should be a type name or array",
    'true',
  ],
  [
    'an array has one element type',
    'type-reference',
    "{ 'struct': 'Aa', 'data': { 'a': [ 'int', 'str' ] } }",
    "'data' member 'a': array type must contain single type name",
    "[ 'int', 'str' ]",
  ],
  [
    'the values of an enum are a list',
    'enum-values',
    "{ 'enum': 'Aa', 'data': {} }",
    "'data' must be an array",
    '{}',
  ],
  [
    'the prefix of an enum is a string',
    'enum-prefix',
    "{ 'enum': 'Aa', 'data': [], 'prefix': [] }",
    "'prefix' must be a string",
    '[]',
  ],
  [
    'the branches of a union are an object',
    'union-branches',
    "{ 'enum': 'Ee', 'data': [ 'a' ] } { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': [] }",
    "'data' must be an object",
    '[]',
  ],
  [
    'an alternate is not empty',
    'alternate-alternatives',
    "{ 'alternate': 'Aa', 'data': {} }",
    "'data' must not be empty",
    '{}',
  ],
  [
    'boxed arguments need a type',
    'boxed-arguments',
    "{ 'command': 'do', 'boxed': true }",
    "'boxed': true requires 'data'",
    "'boxed'",
  ],
  [
    'boxed arguments are not written in place',
    'type-reference',
    "{ 'command': 'do', 'boxed': true, 'data': {} }",
    "'data' should be a type name",
    '{}',
  ],
  [
    'a name is defined once',
    'unique-names',
    "{ 'struct': 'Aa', 'data': {} }\n{ 'enum': 'Aa', 'data': [] }",
    "'Aa' is already defined\ntest.json: In struct 'Aa':\ntest.json:1: previous definition",
    "'Aa'",
  ],
  [
    'a type that is used exists',
    'known-types',
    "{ 'struct': 'Aa', 'data': { 'a': [ 'Nowhere' ] } }",
    "struct uses unknown type 'Nowhere'",
    "'Nowhere'",
  ],
  [
    'a base is a struct',
    'base',
    "{ 'struct': 'Aa', 'base': 'int', 'data': {} }",
    "'base' requires a struct type, built-in type 'int' isn't",
    "'int'",
  ],
  [
    'a struct does not contain itself',
    'containment',
    "{ 'struct': 'Aa', 'base': 'Aa', 'data': {} }",
    'object Aa contains itself',
    "'Aa'",
  ],
  [
    'members do not clash in generated C',
    'name-clash',
    "{ 'pragma': { 'member-name-exceptions': [ 'Aa' ] } }{ 'struct': 'Aa', 'data': { 'a-b': 'int', 'a_b': 'int' } }",
    "member 'a_b' collides with member 'a-b'",
    "'a_b'",
  ],
  [
    'members do not clash with those of the base',
    'name-clash',
    "{ 'struct': 'Bb', 'data': { 'a': 'int' } } { 'struct': 'Aa', 'base': 'Bb', 'data': { 'a': 'int' } }",
    "member 'a' collides with member 'a' of type 'Bb'",
    "'a'",
  ],
  [
    'members of a branch do not clash with those of the union',
    'name-clash',
    "{ 'enum': 'Ee', 'data': [ 'x' ] } { 'struct': 'Bb', 'data': { 'e': 'int' } } { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'x': 'Bb' } }",
    "member 'e' of type 'Bb' collides with base member 'e'",
    "'x'",
  ],
  [
    'features of one thing differ',
    'name-clash',
    "{ 'command': 'do', 'features': [ 'f', 'f' ] }",
    "feature 'f' collides with feature 'f'",
    "'f'",
  ],
  [
    'types are not deprecated',
    'features-on-types',
    "{ 'struct': 'Aa', 'data': {}, 'features': [ 'deprecated' ] }",
    "feature 'deprecated' is not supported for types",
    "'deprecated'",
  ],
  [
    'a schema has at most 64 features, two of them special',
    'feature-limit',
    `{ 'command': 'do', 'features': [ ${Array.from({ length: 63 }, (_, index) => `'f${index}'`).join(', ')} ] }`,
    'Maximum of 64 schema features is permitted',
    "'f62'",
  ],
  [
    'the tag of a union is a mandatory enum of its base',
    'discriminator',
    "{ 'union': 'Uu', 'base': { 'e': 'int' }, 'discriminator': 'e', 'data': {} }",
    "discriminator member 'e' of 'base' must be of enum type",
    "'e'",
  ],
  [
    'a branch is for a value of the tag',
    'branch-values',
    "{ 'enum': 'Ee', 'data': [ 'x' ] } { 'struct': 'Bb', 'data': {} } { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'y': 'Bb' } }",
    "branch 'y' is not a value of enum type 'Ee'",
    "'y'",
  ],
  [
    'a branch is an object',
    'branch-types',
    "{ 'enum': 'Ee', 'data': [ 'x' ] } { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': { 'x': 'int' } }",
    "branch 'x' cannot use built-in type 'int'",
    "'int'",
  ],
  [
    'a union has a branch',
    'union-branches',
    "{ 'enum': 'Ee', 'data': [] } { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': {} }",
    'union has no branches',
    "'Uu'",
  ],
  [
    'alternatives have different kinds of JSON values',
    'alternatives',
    "{ 'alternate': 'Aa', 'data': { 'one': 'int', 'two': 'number' } }",
    "branch 'two' can't be distinguished from 'one'",
    "'two'",
  ],
  [
    'a plain string does not stand beside a boolean',
    'alternatives',
    "{ 'alternate': 'Aa', 'data': { 'one': 'bool', 'two': 'str' } }",
    "branch 'two' can't be distinguished from 'one'",
    "'two'",
  ],
  [
    'values that look like numbers do not stand beside numbers',
    'alternatives',
    "{ 'enum': 'Ee', 'data': [ '1x' ] } { 'alternate': 'Aa', 'data': { 'one': 'Ee', 'two': 'int' } }",
    "branch 'two' can't be distinguished from 'one'",
    "'two'",
  ],
  [
    'an alternative is not an alternate',
    'alternatives',
    "{ 'alternate': 'Bb', 'data': { 'one': 'int' } } { 'alternate': 'Aa', 'data': { 'one': 'Bb' } }",
    "branch 'one' cannot use alternate type 'Bb'",
    "'Bb'",
  ],
  [
    'arguments are an object',
    'arguments',
    "{ 'command': 'do', 'data': 'str' }",
    "command's 'data' cannot take built-in type 'str'",
    "'str'",
  ],
  [
    'a union is passed boxed',
    'arguments',
    "{ 'enum': 'Ee', 'data': [ 'x' ] } { 'union': 'Uu', 'base': { 'e': 'Ee' }, 'discriminator': 'e', 'data': {} } { 'event': 'EE', 'data': 'Uu' }",
    "event's 'data' can take union type 'Uu' only with 'boxed': true",
    "'Uu'",
  ],
  [
    'conditional arguments are passed boxed',
    'arguments',
    "{ 'command': 'do', 'data': { 'a': 'int', 'b': { 'type': 'int', 'if': 'XX' } } }",
    "conditional command arguments require 'boxed': true",
    "'b'",
  ],
  [
    'commands return objects or lists of them',
    'returns',
    "{ 'command': 'do', 'returns': [ 'int' ] }",
    "command's 'returns' cannot take array type ['int']",
    "'int'",
  ],
  [
    'documentation is about the definition that follows',
    'documentation-symbol',
    "##\n# @other:\n##\n{ 'command': 'do' }",
    "documentation comment is for 'other'",
    "'do'",
  ],
  [
    'documentation is there where a pragma requires it',
    'documentation-required',
    "{ 'pragma': { 'doc-required': true } }\n{ 'command': 'do' }",
    'documentation comment required',
    "'do'",
  ],
  [
    'definition documentation is followed by the definition',
    'documentation-placement',
    "##\n# @do:\n##\n{ 'pragma': {} }",
    "documentation for 'do' is not followed by the definition",
    '##\n# @do:\n##',
  ],
  [
    'free-form documentation does not document a definition',
    'definition-documentation',
    "##\n# Text\n##\n{ 'command': 'do' }",
    'definition documentation required',
    '##\n# Text\n##',
  ],
  [
    'only commands have errors',
    'documentation-tags',
    "##\n# @EE:\n#\n# Errors: none\n##\n{ 'event': 'EE' }",
    "'Errors' section is only valid for commands",
    '# Errors: none',
  ],
  [
    'members are documented',
    'members-documented',
    "##\n# @Ee:\n#\n# @a: one\n##\n{ 'enum': 'Ee', 'data': [ 'a', 'b' ] }",
    "value 'b' lacks documentation",
    "'b'",
  ],
  [
    'features are documented',
    'features-documented',
    "##\n# @do:\n##\n{ 'command': 'do', 'features': [ 'fast' ] }",
    "feature 'fast' lacks documentation",
    "'fast'",
  ],
  [
    'what is documented exists',
    'documented-exist',
    "##\n# @do:\n#\n# @a: one\n##\n{ 'command': 'do' }",
    "documented member 'a' does not exist",
    '# @a: one',
  ],
  ['an include names a file', 'include', "{ 'include': {} }", "value of 'include' must be a string", '{}'],
  [
    'a pragma is known',
    'pragma',
    "{ 'pragma': { 'no-such': true } }",
    "unknown pragma 'no-such'",
    "'no-such'",
  ],
  [
    'a top-level expression is an object',
    'top-level-expression',
    "[ 'a' ]",
    'top-level expression must be an object',
    "[ 'a' ]",
  ],
];

describe('rules', () => {
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

describe('unions in unions', () => {
  const tag = "{ 'enum': 'Ee', 'data': [ 'x' ] }\n";
  const union = (name: string, branch: string, member: string): string =>
    `{ 'union': '${name}', 'base': { '${member}': 'Ee' }, 'discriminator': '${member}', 'data': { 'x': '${branch}' } }\n`;

  it('may not contain themselves, directly or through others', () => {
    for (const schema of [
      union('Uu', 'Uu', 'e'),
      union('Uu', 'Vv', 'e') + union('Vv', 'Uu', 'f') + union('Ww', 'Uu', 'g'),
    ]) {
      assert.deepEqual(
        load(tag + schema).diagnostics.map(({ message }) => message),
        ['object Uu contains itself'],
      );
    }
  });

  it('do not clash with the members around them at any depth', () => {
    const inner = "{ 'struct': 'Ss', 'data': { 'e': 'int' } }\n";
    const schema = tag + union('Uu', 'Vv', 'e') + union('Vv', 'Ww', 'f') + union('Ww', 'Ss', 'g') + inner;
    assert.deepEqual(
      load(schema).diagnostics.map(({ message }) => message),
      ["member 'e' of type 'Ss' collides with base member 'e'"],
    );
  });

  it('are new since QEMU 7.2', () => {
    const schema = `${tag + union('Uu', 'Vv', 'e') + union('Vv', 'Ss', 'f')}{ 'struct': 'Ss', 'data': {} }\n`;
    assert.deepEqual(load(schema, { dialect: '10.0' }).diagnostics, []);
    assert.equal(
      load(schema, { dialect: '7.2' }).diagnostics[0]?.message,
      "branch 'x' cannot use union type 'Vv'",
    );
  });
});

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
