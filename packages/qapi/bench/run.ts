/**
 * Measures `godwit qapi check` as a whole process and in process, on the main schema of a QEMU source tree,
 * beside QEMU's own front end in Python. Without a tree, and none in the cache, on the machine's own schema.
 *
 *   run.js [--tree DIR] [--runs N]
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { unpackedTree } from '../conformance/debian-source.js';
import { loadSchema } from '../src/index.js';

/** Of the time that Python takes. */
const largestRatio = 0.5;
const largestWarmMs = 40;

const packages = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const { values } = parseArgs({
  options: { tree: { type: 'string' }, runs: { type: 'string', default: '9' } },
});
const runs = Math.max(1, Number(values.runs) || 9);
const tree = values.tree ?? unpackedTree();
const schema =
  tree === undefined
    ? join(packages, 'machine', 'schema', 'godwit.json')
    : join(tree, 'qapi', 'qapi-schema.json');

const check = [process.execPath, join(packages, 'cli', 'bin', 'godwit.js'), 'qapi', 'check', schema];
const python = tree === undefined || !hasPython() ? undefined : pythonFrontEnd(tree);

console.log(`${schema}, median of ${runs} runs:`);
const ours: number[] = [];
const theirs: number[] = [];
for (let run = 0; run < runs; run++) {
  ours.push(timeProcess(check));
  if (python !== undefined) theirs.push(timeProcess(python));
}
console.log(`  godwit qapi check, whole process: ${median(ours).toFixed(0)} ms`);
if (python === undefined)
  console.log('  Python: not measured; give a source tree with --tree and install python3');
else {
  const ratio = median(ours) / median(theirs);
  console.log(`  QEMU's front end in Python:       ${median(theirs).toFixed(0)} ms`);
  report(`  ratio: ${ratio.toFixed(2)} (at most ${largestRatio})`, ratio <= largestRatio);
}
const warm = median(warmTimes(60).slice(-20));
report(`  in process, warm: ${warm.toFixed(1)} ms (at most ${largestWarmMs})`, warm <= largestWarmMs);

function report(line: string, good: boolean): void {
  console.log(`${line} ${good ? 'ok' : 'BELOW TARGET'}`);
  if (!good) process.exitCode = 1;
}

function pythonFrontEnd(root: string): string[] {
  const program =
    'import sys; sys.path.insert(0, sys.argv[1]); from qapi.schema import QAPISchema; QAPISchema(sys.argv[2])';
  return ['python3', '-c', program, join(root, 'scripts'), schema];
}

function hasPython(): boolean {
  return (
    tree !== undefined &&
    existsSync(join(tree, 'scripts', 'qapi')) &&
    spawnSync('python3', ['-V']).status === 0
  );
}

function timeProcess([program, ...args]: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args[0]} ended with ${status}: ${stderr}`);
  return performance.now() - start;
}

function warmTimes(count: number): number[] {
  return Array.from({ length: count }, () => {
    const start = performance.now();
    loadSchema(schema);
    return performance.now() - start;
  });
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1]!;
}
