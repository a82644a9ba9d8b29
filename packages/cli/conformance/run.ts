// Shows the typed client with real servers: npm run conformance:client [-- OPTIONS]
//   --qemu COMMAND     a QEMU; default: that of the system
//   --newer COMMAND    a newer QEMU, where it was unpacked; default: that of a newer Debian, fetched into a temporary folder
//   --offline          fetch nothing
//   --only TEXT        the checks whose names contain it
//   --verbose          name every check
// Every server is used twice: with the types of our own machine, and with those that godwit qapi gen makes of it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { protocol } from '@godwit/machine/protocol';
import { native, nativeUnavailableReason } from '@godwit/native';
import { QmpClient } from '@godwit/qmp';
import { checks as ownChecks } from './checks/index.js';
import type { Check, Seen, Server, Stage } from './checks/stage.js';
import { generatedChecks } from './generated-checks.js';
import { machine, type Program, qemuProgram, Servers } from './servers.js';

const { values } = parseArgs({
  options: {
    qemu: { type: 'string', default: 'qemu-system-x86_64' },
    newer: { type: 'string' },
    offline: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
  },
});

/** Ends a check that hangs. */
const CHECK_LIMIT_MS = 120_000;
const FETCH = new URL('../../../vfio-user/dist/conformance/newer-qemu.js', import.meta.url);

const workplace = mkdtempSync(join(tmpdir(), 'godwit-client-'));
const here = dirname(fileURLToPath(import.meta.url));
const compiled = mkdtempSync(join(here, 'generated-'));
process.once('exit', () => {
  for (const folder of [workplace, compiled]) rmSync(folder, { recursive: true, force: true });
});

let failed = 0;
let ran = 0;
if (native === undefined) {
  console.log(`nothing can be shown: ${nativeUnavailableReason}`);
  process.exitCode = 3;
} else {
  for (const [index, program] of programs().entries()) await show(program, `${index}`);
  console.log(`the client, all: ${ran} checks, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

function programs(): Program[] {
  const found: Program[] = [machine];
  const own = qemuProgram(values.qemu.split(' '));
  if (own === undefined) console.log(`skip ${values.qemu}: it cannot be run`);
  else found.unshift(own);
  const newer = values.newer === undefined ? fetchNewer() : qemuProgram(values.newer.split(' '), true);
  if (newer !== undefined) found.splice(-1, 0, newer);
  return found;
}

function fetchNewer(): Program | undefined {
  if (values.offline) return undefined;
  const folder = join(workplace, 'newer');
  mkdirSync(folder);
  const { stdout, stderr, status } = spawnSync(process.execPath, [fileURLToPath(FETCH), folder], {
    encoding: 'utf8',
  });
  if (status === 0) return qemuProgram(JSON.parse(stdout) as string[], true);
  console.log(`skip a newer QEMU: ${stderr.trim()}`);
  return undefined;
}

/** Runs the checks with one program, with the types of the machine and with its own. */
async function show(program: Program, name: string): Promise<void> {
  const servers = new Servers(program, join(workplace, name));
  try {
    await play(program, servers, 'machine', () => Promise.resolve(ownChecks));
    await play(program, servers, 'generated', (server) => generatedChecks(server, join(compiled, name)));
  } catch (error) {
    fail(`${program.name}: ${(error as Error).message}`);
  } finally {
    await servers.stop();
  }
}

async function play(
  program: Program,
  servers: Servers,
  types: Stage['types'],
  load: (server: Server) => Promise<readonly Check[]>,
): Promise<void> {
  const where = `${program.name}, ${types === 'machine' ? "our machine's types" : 'types generated from it'}`;
  const server = await servers.start(['-S', '-vnc', 'none,password=on']);
  const { version, commands } = await offer(server);
  const seen: Seen = { commands: new Set(), events: new Set(), mismatches: [] };
  let passed = 0;
  for (const check of await load(server)) {
    if (!check.name.includes(values.only)) continue;
    const folder = mkdtempSync(join(workplace, 'c'));
    const own = new Servers(program, folder);
    const start: Stage['start'] = (extra, at) => own.start(extra, at);
    const { isQemu, unpacked } = program;
    const stage: Stage = { native: native!, server, version, isQemu, unpacked, types, seen, folder, start };
    if (check.needs?.(stage) === false) continue;
    ran++;
    if (await succeeds(check, stage, where)) passed++;
    await own.stop();
    if (server.ended) throw new Error(`the server has ended at '${check.name}': ${server.output.trim()}`);
  }
  for (const mismatch of new Set(seen.mismatches)) fail(`${where}: ${mismatch}`);
  // Every command that our machine has is to be shown; the client itself negotiates.
  const shown = [...seen.commands, 'qmp_capabilities', ...(program.unpacked ? ['qom-list-types'] : [])];
  const missed = Object.keys(protocol.commands).filter(
    (command) => commands.includes(command) && !shown.includes(command),
  );
  if (values.only === '' && missed.length > 0) fail(`${where}: no check executes ${missed.join(', ')}`);
  const counts = `${passed} checks, ${seen.commands.size} commands, ${seen.events.size} events`;
  console.log(`the client with ${where}: ${counts}`);
  await server.kill();
}

/** What a server is, and what it has. */
async function offer(server: Server): Promise<{ version: number; commands: readonly string[] }> {
  const client = await QmpClient.connect(`unix:${server.monitors[0]}`);
  const { qemu } = client.version as { qemu: { major: number } };
  const commands = (await client.execute('query-commands')) as { name: string }[];
  await client.close();
  return { version: qemu.major, commands: commands.map(({ name }) => name) };
}

async function succeeds(check: Check, stage: Stage, where: string): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it takes too long')), CHECK_LIMIT_MS);
  });
  try {
    await Promise.race([check.run(stage), late]);
    if (values.verbose) console.log(`ok ${where}: ${check.name}`);
    return true;
  } catch (error) {
    fail(`${where}: ${check.name}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function fail(text: string): void {
  failed++;
  console.log(`FAIL ${text}`);
}
