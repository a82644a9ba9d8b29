import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { load } from '../check.js';

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
