import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dialectOfVersion, dumpSchema, loadSchema, printAsQemu } from '../src/index.js';

/** One case of QEMU's tests of its schema language. */
export interface CaseResult {
  readonly name: string;
  /** What differs; undefined when nothing does. */
  readonly difference: string | undefined;
}

/** Runs the cases of tests/qapi-schema in a QEMU source tree, those that its meson.build lists. */
export function* runSuite(tree: string): Generator<CaseResult> {
  const folder = join(tree, 'tests', 'qapi-schema');
  const version = readFileSync(join(tree, 'VERSION'), 'utf8').trim();
  const dialect = dialectOfVersion(version).name;
  for (const name of listCases(folder)) {
    const result = loadSchema(join(folder, name), { dialect });
    const [first] = result.diagnostics;
    const actual = {
      out: result.schema === undefined ? '' : dumpSchema(result.schema, result.dialect),
      err: first === undefined ? '' : `${printAsQemu(first).replaceAll(`${folder}/`, '')}\n`,
    };
    const expected = {
      out: readFileSync(join(folder, name.replace(/\.json$/, '.out')), 'utf8'),
      err: readFileSync(join(folder, name.replace(/\.json$/, '.err')), 'utf8'),
    };
    const differences = (['err', 'out'] as const).flatMap((kind) => {
      const line = firstDifference(expected[kind], actual[kind]);
      return line === undefined ? [] : `.${kind} ${line}`;
    });
    yield { name, difference: differences.length === 0 ? undefined : differences.join('; ') };
  }
}

/** QEMU's own schemas in a source tree, each with the errors that are found in it. */
export function* checkOwnSchemas(tree: string): Generator<CaseResult> {
  for (const folder of ['qapi', 'storage-daemon/qapi', 'qga']) {
    const name = `${folder}/qapi-schema.json`;
    const path = join(tree, name);
    if (!existsSync(path)) continue;
    const [first] = loadSchema(path).diagnostics;
    yield { name, difference: first === undefined ? undefined : printAsQemu(first) };
  }
}

/** The names in the lists `schemas` of the folder's meson.build. */
function listCases(folder: string): string[] {
  const build = readFileSync(join(folder, 'meson.build'), 'utf8');
  const list = /^schemas = \[([^\]]*)\]/m.exec(build)?.[1];
  if (list === undefined) throw new Error(`${folder}/meson.build has no list of schemas`);
  const more = [...build.matchAll(/^schemas \+= \[([^\]]*)\]/gm)].map((match) => match[1]!);
  const names = [list, ...more].flatMap((text) =>
    [...text.matchAll(/'([^']+\.json)'/g)].map((match) => match[1]!),
  );
  // A case may be about a file that does not exist, but it never lacks its expected result.
  const missing = names.filter((name) => !existsSync(join(folder, name.replace(/\.json$/, '.err'))));
  if (missing.length > 0) throw new Error(`${folder} lacks the expected results of ${missing.join(', ')}`);
  return names;
}

function firstDifference(expected: string, actual: string): string | undefined {
  if (expected === actual) return undefined;
  const [wanted, found] = [expected.split('\n'), actual.split('\n')];
  const index = wanted.findIndex((line, at) => line !== found[at]);
  const at = index === -1 ? wanted.length : index;
  return `line ${at + 1}: expected ${JSON.stringify(wanted[at])}, found ${JSON.stringify(found[at])}`;
}
