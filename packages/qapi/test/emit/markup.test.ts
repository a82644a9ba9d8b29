import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toMarkdown } from '../../src/emit/markup.js';

describe('documentation as Markdown', () => {
  const cases: [string, string, string[]][] = [
    ['references to members are literals', 'like @other-member, not a@b', ['like `other-member`, not a@b']],
    ['literals keep what is in them', 'say ``@x`` and `@y`', ['say `@x` and `@y`']],
    ['roles lose their name', 'see :ref:`a thing`', ['see `a thing`']],
    ['the end of a comment is escaped', 'a */ b', ['a *\\/ b']],
    [
      'a literal block is fenced',
      'So::\n\n  a @b\n   c\n\nend',
      ['So:', '```', 'a @b', ' c', '```', '', 'end'],
    ],
    ['a lone double colon leaves no line', '::\n\n  a', ['```', 'a', '```', '']],
    ['a note is a paragraph', '.. note:: Mind @this.\n   And that.', ['Note: Mind `this`.', 'And that.']],
    [
      'an example is fenced',
      '.. qmp-example::\n   :annotated:\n\n   -> {}',
      ['Example:', '```', '-> {}', '```', ''],
    ],
    ['nothing yields nothing', '', ['']],
  ];
  for (const [name, text, lines] of cases) {
    test(name, () => assert.deepEqual(toMarkdown(text), lines));
  }
});
