import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { generateTypeScript } from '../../src/index.js';
import { kitchenSink } from '../kitchen-sink.js';
import { schemaOf } from '../schema-of.js';

function generated(file: string, config?: ReadonlySet<string>, text = kitchenSink): string {
  const files = generateTypeScript(schemaOf(text), config === undefined ? {} : { config });
  const source = files.get(file);
  assert.ok(source !== undefined, `${file} is generated`);
  return source;
}

/** The declaration of a name with its documentation. */
function declaration(source: string, name: string): string {
  const blocks = source.split('\n\n').flatMap((block) => block.trimEnd());
  const found = blocks.find((block) => new RegExp(`^export (type|interface) ${name}\\b`, 'm').test(block));
  assert.ok(found !== undefined, `${name} is declared`);
  return found;
}

describe('generated types', () => {
  test('an enum is a union of literals, documented value by value', () => {
    assert.match(
      generated('types.ts'),
      /- `paused`: the guest was stopped with `stop`\n \* - `ghost`: \(unstable: Value `ghost` is not seen by everybody\.\)\n \*\n \* @since 1\.0\n \*\/\nexport type RunState = 'running' \| 'paused' \| 'ghost';/,
    );
  });

  test('64-bit integers are bigint, smaller ones number, optional and conditional members optional', () => {
    const statusInfo = declaration(generated('types.ts'), 'StatusInfo');
    assert.equal(
      statusInfo.slice(statusInfo.indexOf('export')),
      `export interface StatusInfo {
  /** its run state */
  status: Open<RunState>;
  /** nanoseconds since it runs */
  uptime: bigint;
  /** identifiers of CPUs */
  cpus?: number[];
  /**
   * how many were seen
   *
   * If: \`CONFIG_GHOST\`
   *
   * @deprecated Member \`ghosts\` has no use.
   */
  ghosts?: number;
  /** If: \`CONFIG_GHOST && !CONFIG_WALLS\` */
  walls?: boolean;
}`,
    );
  });

  test('a configuration decides what is there', () => {
    const without = generated('types.ts', new Set());
    assert.doesNotMatch(without, /ghost|walls|CONFIG/);
    assert.match(generated('types.ts', new Set(['CONFIG_GHOST'])), /\n {2}walls: boolean;/);
    assert.doesNotMatch(generated('commands.ts', new Set()), /peek/);
  });

  test('a union is discriminated by its tag, implicit empty branches included', () => {
    const source = generated('types.ts');
    assert.equal(
      declaration(source, 'Node'),
      `export type Node =
  | ({ kind: 'file' } & NodeBase & FileNode)
  | ({ kind: 'filter' } & NodeBase & FilterNode)
  | ({ kind: 'nothing' } & NodeBase);`,
    );
    assert.match(declaration(source, 'NodeBase'), /interface NodeBase \{\n {2}id: string;\n\}/);
  });

  test('an alternate is the union of its alternatives', () => {
    assert.equal(
      declaration(generated('types.ts'), 'NodeRef'),
      'export type NodeRef = Node | string | null;',
    );
  });

  test('what is only sent has closed enums, what is received has open ones', () => {
    const source = generated('types.ts');
    assert.match(declaration(source, 'SetStateArguments'), /state: RunState;/);
    assert.match(declaration(source, 'StatusChangeEvent'), /status: Open<RunState>;/);
  });

  test('a base is extended', () => {
    assert.equal(
      declaration(generated('types.ts'), 'Picture'),
      'export interface Picture extends FileNode {\n  scale: number;\n  meta: JsonValue;\n}',
    );
  });

  test('names of the schema that the generated code uses itself give way', () => {
    const text = `
      { 'struct': 'Commands', 'data': { 'x': 'any' } }
      { 'struct': 'JsonValue', 'data': {} }
      { 'struct': 'SitArguments', 'data': { 'a': 'JsonValue' } }
      { 'command': 'sit', 'data': { 'c': 'Commands', 's': 'SitArguments' } }`;
    const types = generated('types.ts', undefined, text);
    assert.match(types, /import type \{ JsonValue as JsonValue1 \} from/);
    assert.match(types, /interface Commands1 \{\n {2}x: JsonValue1;/);
    assert.match(types, /interface SitArguments \{\n {2}a: JsonValue;/);
    assert.match(types, /interface SitArguments1 \{\n {2}c: Commands1;\n {2}s: SitArguments;/);
    assert.match(generated('commands.ts', undefined, text), /sit: \{ args: SitArguments1; returns: void \};/);
  });

  test('downstream names become identifiers', () => {
    const text = `
      { 'struct': '__org.qemu_x-Thing', 'data': { '__org.qemu_x-member': 'str' } }
      { 'command': '__org.qemu_x-command', 'data': { 'a': '__org.qemu_x-Thing' } }`;
    assert.match(
      generated('types.ts', undefined, text),
      /interface OrgQemuXThing \{\n {2}'__org\.qemu_x-member'|interface OrgQemuXThing/,
    );
    assert.match(
      generated('commands.ts', undefined, text),
      /'__org\.qemu_x-command': \{ args: OrgQemuXCommandArguments/,
    );
  });
});

describe('generated commands and events', () => {
  test('tell arguments, return value, out-of-band execution and missing replies', () => {
    const source = generated('commands.ts');
    for (const line of [
      "'query-status': { args: undefined; returns: StatusInfo };",
      "'add-node': { args: Node; returns: Node };",
      "'set-state': { args: SetStateArguments; returns: void };",
      'yank: { args: YankArguments; returns: void; oob: true };',
      'vanish: { args: undefined; returns: void; noReply: true };',
      'plug: { args: PlugArguments & JsonObject; returns: void };',
      'peek: { args: undefined; returns: number[] };',
    ]) {
      assert.ok(source.includes(`  ${line}\n`), line);
    }
    const events = generated('events.ts');
    assert.match(
      events,
      /STATUS_CHANGE: StatusChangeEvent;\n {2}\/\*\* @experimental \*\/\n {2}VANISHED: undefined;/,
    );
  });

  test('carry the documentation over', () => {
    assert.ok(
      generated('commands.ts').includes(`  /**
   * Tell how the machine is.
   *
   * Example: A look
   * \`\`\`
   * -> { "execute": "query-status" }
   * <- { "return": { "status": "running", "uptime": 7 } }
   * \`\`\`
   *
   * @returns the status
   * @throws - If it is not there, GenericError
   * @since 1.0
   */
  'query-status'`),
    );
    assert.match(generated('types.ts'), /See also `states` and `info status`\./);
    assert.match(generated('commands.ts'), / \* Features: `loud`\n {3}\*\n {3}\* @deprecated\n/);
  });
});

describe('the generated protocol', () => {
  test('is data', () => {
    const source = generated('protocol.ts', new Set());
    for (const line of [
      "RunState: { kind: 'enum', values: ['running', 'paused'] },",
      "branches: { file: 'FileNode', filter: 'FilterNode' },",
      "NodeRef: { kind: 'alternate', alternatives: ['Node', 'str', 'null'] },",
      "'query-status': { returns: 'StatusInfo', allowPreconfig: true },",
      "yank: { args: 'q_obj_yank-arg', allowOob: true, features: ['deprecated', 'loud'] },",
      'vanish: { noSuccessResponse: true },',
      "plug: { args: 'q_obj_plug-arg', raw: true },",
      "VANISHED: { features: ['unstable'] }",
    ]) {
      assert.ok(source.includes(line), line);
    }
  });
});
