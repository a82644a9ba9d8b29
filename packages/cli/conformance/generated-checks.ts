import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Check, Server } from './checks/stage.js';

const GODWIT = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));
const CHECKS = fileURLToPath(new URL('../../conformance/checks/', import.meta.url));

const COMPILER_OPTIONS = {
  strict: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
  target: 'es2022',
  lib: ['es2023'],
  module: 'nodenext',
  types: ['node'],
  outDir: 'out',
  rootDir: '.',
};

/**
 * The checks with the types and descriptors that `godwit qapi gen` makes of a running server, compiled under every strict
 * option.
 * @param folder inside this package, so that what the checks import is found
 * @throws Error with what the generator or the compiler says
 */
export async function generatedChecks(server: Server, folder: string): Promise<readonly Check[]> {
  mkdirSync(folder, { recursive: true });
  cpSync(CHECKS, join(folder, 'checks'), { recursive: true });
  const generated = join(folder, 'checks', 'generated');
  run([GODWIT, 'qapi', 'gen', '--from', `unix:${server.monitors[0]}`, '-o', generated]);
  writeFileSync(join(folder, 'checks', 'protocol.ts'), "export * from './generated/index.js';\n");
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  const config = { compilerOptions: COMPILER_OPTIONS, include: ['checks'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  run([join(typescript, 'bin', 'tsc'), '-p', folder]);
  const compiled = pathToFileURL(join(folder, 'out', 'checks', 'index.js')).href;
  return ((await import(compiled)) as { checks: readonly Check[] }).checks;
}

function run(args: readonly string[]): void {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${stdout}${stderr}`.trim());
}
