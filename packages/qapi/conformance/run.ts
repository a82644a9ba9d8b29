// Runs QEMU's own tests of its schema language: node run.js [--tree DIR]
// Exit code: 0 all passed, 1 some failed, 2 wrong usage, 3 no source tree could be had.
import { parseArgs } from 'node:util';
import { fetchTree, NoTree } from './debian-source.js';
import { runSuite } from './suite.js';

function main(): number {
  let tree: string | undefined;
  try {
    tree = parseArgs({ options: { tree: { type: 'string' } } }).values.tree;
  } catch (error) {
    console.error(`conformance: ${(error as Error).message}\nusage: conformance:qapi [--tree DIR]`);
    return 2;
  }
  let passed = 0;
  let failed = 0;
  for (const { name, difference } of runSuite(tree ?? fetchTree())) {
    if (difference === undefined) passed++;
    else {
      failed++;
      console.log(`FAILED ${name}: ${difference}`);
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`conformance: ${(error as Error).message}`);
  process.exitCode = 3;
  if (!(error instanceof NoTree)) process.exitCode = 1;
}
