// Runs QEMU's own tests of its schema language: node run.js [--tree DIR]
// Exit code: 0 all passed, 1 some failed, 2 wrong usage, 3 no source tree could be had.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fetchTree, NoTree } from './debian-source.js';
import { type CaseResult, checkOwnSchemas, runSuite } from './suite.js';

function main(): number {
  let chosen: string | undefined;
  try {
    chosen = parseArgs({ options: { tree: { type: 'string' } } }).values.tree;
  } catch (error) {
    console.error(`conformance: ${(error as Error).message}\nusage: conformance:qapi [--tree DIR]`);
    return 2;
  }
  const tree = chosen ?? fetchTree();
  if (!existsSync(join(tree, 'tests', 'qapi-schema', 'meson.build'))) {
    console.error(`conformance: ${tree} is not a QEMU source tree: it has no tests/qapi-schema`);
    return 2;
  }
  const own = count(checkOwnSchemas(tree));
  console.log(`QEMU's own schemas: ${own.passed} without an error, ${own.failed} with errors`);
  const suite = count(runSuite(tree));
  console.log(`${suite.passed} passed, ${suite.failed} failed`);
  return own.failed + suite.failed === 0 ? 0 : 1;
}

function count(results: Iterable<CaseResult>): { passed: number; failed: number } {
  let passed = 0;
  let failed = 0;
  for (const { name, difference } of results) {
    if (difference === undefined) passed++;
    else {
      failed++;
      console.log(`FAILED ${name}: ${difference}`);
    }
  }
  return { passed, failed };
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`conformance: ${(error as Error).message}`);
  process.exitCode = error instanceof NoTree ? 3 : 1;
}
