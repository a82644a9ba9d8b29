import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateTypeScript } from '../../src/index.js';
import { kitchenSink } from '../kitchen-sink.js';
import { schemaOf } from '../schema-of.js';

/** Uses that compile, and after each marker one that must not. */
const uses = `
import type { ArgumentsParameter, Handlers, OobCommand, Open } from '@godwit/qapi/runtime';
import { type Commands, type Events, type Node, protocol, type RunState } from './index.js';

declare function execute<Name extends keyof Commands>(
  name: Name,
  ...args: ArgumentsParameter<Commands[Name]['args']>
): Promise<Commands[Name]['returns']>;
declare function executeOob<Name extends OobCommand<Commands>>(name: Name): Promise<Commands[Name]['returns']>;
declare function on<Name extends keyof Events>(name: Name, listener: (data: Events[Name]) => void): void;

export async function calls(): Promise<unknown> {
  const status = await execute('query-status');
  const uptime: bigint = status.uptime;
  const state: Open<RunState> = status.status;
  if (status.status === 'from-a-newer-server') return status.status.length;
  await execute('yank');
  await execute('yank', { force: true });
  await execute('plug', { driver: 'nic', anything: [1, 2] });
  await executeOob('yank');
  on('STATUS_CHANGE', ({ status }) => status.toUpperCase());
  // @ts-expect-error an argument is missing
  await execute('set-state');
  // @ts-expect-error a value is misspelt
  await execute('set-state', { state: 'runing' });
  // @ts-expect-error a member is unknown
  await execute('yank', { forced: true });
  // @ts-expect-error the command takes no arguments
  await execute('query-status', {});
  // @ts-expect-error the command does not allow it
  await executeOob('query-status');
  return [uptime, state, protocol];
}

export function below(node: Node): string {
  switch (node.kind) {
    case 'file':
      return node.filename;
    case 'filter':
      return node.below === null ? 'none' : typeof node.below === 'string' ? node.below : below(node.below);
    case 'nothing':
      // @ts-expect-error an empty branch has no such member
      return node.filename;
  }
}

export const handlers: Pick<Handlers<Commands, object>, 'query-status' | 'vanish' | 'set-state'> = {
  'query-status': () => ({ status: 'running', uptime: 5n }),
  vanish: async () => {},
  'set-state': ({ state, delay }) => console.log(state, delay),
};

// @ts-expect-error handlers are missing
export const missing: Handlers<Commands, object> = handlers;
export const wrong: Pick<Handlers<Commands, object>, 'query-status' | 'peek'> = {
  // @ts-expect-error the handler's value is misspelt
  'query-status': () => ({ status: 'runing', uptime: 5n }),
  // @ts-expect-error the handler returns something else
  peek: () => ['1'],
};
declare const console: { log(...things: unknown[]): void };
`;

test('generated code compiles under every strict option, and its misuse does not', () => {
  // Inside the package, so that it finds @godwit/qapi/runtime by the package's own name.
  const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), 'generated-'));
  try {
    for (const [name, text] of generateTypeScript(schemaOf(kitchenSink)))
      writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, 'uses.ts'), uses);
    const compilerOptions = {
      strict: true,
      noUncheckedIndexedAccess: true,
      exactOptionalPropertyTypes: true,
      verbatimModuleSyntax: true,
      isolatedModules: true,
      noUnusedLocals: true,
      target: 'es2022',
      module: 'nodenext',
      noEmit: true,
      types: [],
    };
    const files = ['uses.ts', 'index.ts', 'introspection.ts'];
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const tsc = join(
      dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
      'bin',
      'tsc',
    );
    const { stdout, stderr, status } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
    assert.equal(`${stdout}${stderr}`, '');
    assert.equal(status, 0);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
