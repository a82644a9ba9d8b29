import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Something to compare with cannot be had; says why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** The suites of Debian that have a QEMU with vfio-user-pci, the calmer one first. */
const SUITES = ['testing', 'unstable'] as const;
/** For all of it; a network that is slower has to do without. */
const FETCH_MS = 120_000;

/**
 * Downloads packages of a newer Debian, and all that they depend on, with an apt of its own that takes nothing for
 * installed, and unpacks them; nothing is installed. Returns the folder that holds their files, which is below `folder`.
 * Throws {@link Unavailable}.
 */
export function unpackPackages(names: readonly string[], folder: string): string {
  const deadline = performance.now() + FETCH_MS;
  const run = (program: string, args: readonly string[]) =>
    runWithin(Math.ceil(deadline - performance.now()), program, args);
  const mirror = debianMirror(run);
  const reasons: string[] = [];
  for (const suite of SUITES) {
    try {
      const root = join(folder, suite);
      download(run, names, `deb ${mirror} ${suite} main`, root);
      return root;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      reasons.push(`${suite}: ${error.message}`);
    }
  }
  throw new Unavailable(reasons.join('; '));
}

/** Where this machine's own packages come from. */
function debianMirror(run: Run): string {
  const targets = run('apt-get', ['indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages']);
  const mirror = targets.split('\n').find((uri) => /\/debian\/?$/.test(uri));
  if (mirror === undefined) throw new Unavailable('apt has no package source of Debian');
  return mirror;
}

function download(run: Run, names: readonly string[], source: string, root: string): void {
  const apt = join(root, 'apt');
  for (const part of ['lists/partial', 'cache/archives/partial', 'etc']) {
    mkdirSync(join(apt, part), { recursive: true });
  }
  writeFileSync(join(apt, 'status'), '');
  writeFileSync(join(apt, 'sources.list'), `${source}\n`);
  const options = [
    `Dir::State::Lists=${join(apt, 'lists')}`,
    `Dir::State::Status=${join(apt, 'status')}`,
    `Dir::Cache=${join(apt, 'cache')}`,
    `Dir::Etc::SourceList=${join(apt, 'sources.list')}`,
    'Dir::Etc::SourceParts=-',
    'APT::Sandbox::User=root',
    'APT::Install-Recommends=false',
    'Acquire::Languages=none',
    'Debug::NoLocking=true',
  ].flatMap((option) => ['-o', option]);
  run('apt-get', [...options, '-q', 'update']);
  run('apt-get', [...options, '-q', '-y', '--download-only', 'install', ...names]);
  const archives = join(apt, 'cache', 'archives');
  for (const archive of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    run('dpkg', ['-x', join(archives, archive), root]);
  }
  rmSync(apt, { recursive: true });
  if (!existsSync(join(root, 'usr'))) throw new Unavailable('the packages hold no files');
}

type Run = (program: string, args: readonly string[]) => string;

function runWithin(timeoutMs: number, program: string, args: readonly string[]): string {
  if (timeoutMs <= 0) throw new Unavailable(`it takes longer than ${FETCH_MS / 1000} s`);
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
  });
  if (status === 0) return stdout;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? '';
  throw new Unavailable(`${program} failed: ${reason}`);
}
