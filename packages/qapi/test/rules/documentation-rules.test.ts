import { type Case, describeRules } from './case.js';

const cases: readonly Case[] = [
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

describeRules('rules for documentation and directives', cases);
