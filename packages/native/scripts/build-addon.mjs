// Builds the C addon with node-gyp, where that is possible: an installation never fails for want of a compiler.
// Does nothing when the addon is newer than its sources and was built for this kind of machine; Node-API is the same in
// every version of Node that the package supports.
import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const addon = join(dirname(dirname(fileURLToPath(import.meta.url))), 'addon');
const built = join(addon, 'build', 'Release', 'godwit_native.node');
const stamp = join(addon, 'build', 'abi.txt');
const abi = `${process.platform} ${process.arch} Node-API 8\n`;

function skip(reason) {
  console.log(
    `native: built without the C addon (${reason}); passing descriptors and shared guest RAM are not available`,
  );
  process.exit(0);
}

function isUpToDate() {
  if (!existsSync(built) || !existsSync(stamp) || readFileSync(stamp, 'utf8') !== abi) return false;
  const sources = readdirSync(join(addon, 'src')).map((name) => join(addon, 'src', name));
  const age = statSync(built).mtimeMs;
  return [...sources, join(addon, 'binding.gyp')].every((source) => statSync(source).mtimeMs <= age);
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function findNodeGyp() {
  try {
    return createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js');
  } catch {
    return process.env.npm_config_node_gyp;
  }
}

/** The headers beside the running node, else those of node-gyp's own configuration or cache. */
function headerOptions() {
  const prefix = dirname(dirname(process.execPath));
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
}

if (process.platform !== 'linux') skip(`it needs Linux, and this is ${process.platform}`);
if (isUpToDate()) process.exit(0);

const compilers = process.env.CC ? [process.env.CC.split(' ')[0]] : ['cc', 'gcc'];
for (const [what, programs] of [
  ['a C compiler', compilers],
  ['make', ['make', 'gmake']],
  ['Python', ['python3', 'python']],
]) {
  if (!programs.some((program) => existsSync(program) || isOnPath(program))) skip(`${what} is not installed`);
}
const nodeGyp = findNodeGyp();
if (nodeGyp === undefined) skip('node-gyp is not installed');

const result = spawnSync(process.execPath, [nodeGyp, 'rebuild', '--silent', ...headerOptions()], {
  cwd: addon,
  encoding: 'utf8',
  timeout: 180_000,
});
if (result.status !== 0 || !existsSync(built)) {
  const output = `${result.stdout}${result.stderr}`.trim();
  const wrong = output.split('\n').filter((line) => /error|ERR!.*(stack|fail)/i.test(line));
  skip(`node-gyp failed: ${(wrong[0] ?? output.split('\n').at(-1) ?? result.error?.message ?? '').trim()}`);
}
writeFileSync(stamp, abi);
