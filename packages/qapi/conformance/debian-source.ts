import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** No source tree could be had; says why. */
export class NoTree extends Error {
  override readonly name = 'NoTree';
}

const cache = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..', '.cache', 'qemu-source');

/** The source tree of Debian's package `qemu`, downloaded once into the folder `.cache` of the workspace. */
export function fetchTree(): string {
  const known = unpackedTree();
  if (known !== undefined) return known;
  mkdirSync(join(cache, 'lists', 'partial'), { recursive: true });
  const sources = join(cache, 'sources.list');
  writeFileSync(sources, sourceLines());
  // An apt of its own, so that nothing of the system's configuration changes.
  const options = [
    `Dir::Etc::SourceList=${sources}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${join(cache, 'lists')}`,
    'APT::Get::List-Cleanup=0',
    'APT::Sandbox::User=root',
  ].flatMap((option) => ['-o', option]);
  apt(['apt-get', ...options, '-q', 'update']);
  apt(['apt-get', ...options, '-q', '--download-only', '--only-source', 'source', 'qemu']);
  unpack();
  const tree = unpackedTree();
  if (tree === undefined) throw new NoTree('the source package qemu does not contain tests/qapi-schema');
  return tree;
}

/** The source tree, if it was downloaded before. */
export function unpackedTree(): string | undefined {
  const tree = join(cache, 'tree');
  return existsSync(join(tree, 'tests', 'qapi-schema', 'meson.build')) ? tree : undefined;
}

/** The system's package sources, as sources of source packages. */
function sourceLines(): string {
  const lines: string[] = [];
  const files = ['/etc/apt/sources.list', ...partsOf('/etc/apt/sources.list.d')].filter((file) =>
    existsSync(file),
  );
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    if (file.endsWith('.sources')) lines.push(...fromStanzas(text));
    else for (const match of text.matchAll(/^deb(?:-src)?[ \t]+(.*)$/gm)) lines.push(`deb-src ${match[1]}`);
  }
  if (lines.length === 0) throw new NoTree('apt has no package sources here; give a source tree with --tree');
  return `${[...new Set(lines)].join('\n')}\n`;
}

function partsOf(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /\.(list|sources)$/.test(name))
    .map((name) => join(folder, name));
}

/** The one-line form of deb822 stanzas. */
function fromStanzas(text: string): string[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string[] =>
      (new RegExp(`^${name}:(.*)$`, 'im').exec(stanza)?.[1] ?? '').trim().split(/\s+/).filter(Boolean);
    const [signedBy] = field('Signed-By');
    const option = signedBy?.startsWith('/') ? `[signed-by=${signedBy}] ` : '';
    return field('URIs').flatMap((uri) =>
      field('Suites').map((suite) => `deb-src ${option}${uri} ${suite} ${field('Components').join(' ')}`),
    );
  });
}

function unpack(): void {
  const archive = readdirSync(cache).find((name) => /^qemu_.*\.orig\.tar\.(xz|gz|bz2)$/.test(name));
  if (archive === undefined) throw new NoTree('apt-get source brought no archive of qemu');
  const tree = join(cache, 'tree');
  mkdirSync(tree, { recursive: true });
  run([
    'tar',
    '-xf',
    archive,
    '-C',
    tree,
    '--strip-components=1',
    '--wildcards',
    '--no-wildcards-match-slash',
    '*/VERSION',
    '*/qapi',
    '*/qga',
    '*/storage-daemon/qapi',
    '*/tests/qapi-schema',
    '*/scripts/qapi',
  ]);
}

function apt(command: readonly string[]): void {
  run(command);
}

function run([program, ...args]: readonly string[]): void {
  const { status, error, stderr } = spawnSync(program!, args, {
    cwd: cache,
    encoding: 'utf8',
    timeout: 600_000,
  });
  if (status === 0) return;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? `status ${status}`;
  throw new NoTree(`${program} failed: ${reason}; give a source tree with --tree`);
}
