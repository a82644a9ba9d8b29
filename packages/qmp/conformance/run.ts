/**
 * Plays the same exchanges to the real QEMU and to the machine, and compares what they say.
 *
 *   run.js [--peers NAME,NAME] [--verbose] [--only TEXT]
 *
 * Peers are `qemu` and `godwit`; comparing `qemu,qemu` shows that the exchanges themselves are repeatable.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { tryEndpoints } from './endpoints.js';
import type { Exchange, Scenario } from './exchange.js';
import { exchangeSets } from './exchanges/index.js';
import { purposes } from './on-purpose.js';
import { machine, Peer, type Program, qemu } from './peer.js';
import { play, type Transcript } from './play.js';

interface Tally {
  equal: number;
  onPurpose: number;
  different: number;
}

const programs: Readonly<Record<string, Program>> = { qemu, godwit: machine };

const { values: options } = parseArgs({
  options: {
    peers: { type: 'string', default: 'qemu,godwit' },
    only: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'godwit-conformance-'));
const peers: Peer[] = [];
try {
  const [left, right] = options.peers.split(',').map((name) => programs[name]);
  if (left === undefined || right === undefined) throw new Error(`no such peers: ${options.peers}`);
  for (const [index, program] of [left, right].entries()) {
    const name = index === 1 && left === right ? `${program.name}-again` : program.name;
    const own = join(folder, name);
    mkdirSync(own);
    peers.push(await Peer.start({ ...program, name }, own));
  }
  const alike = await compare(peers[0]!, peers[1]!, [left, right]);
  process.exitCode = alike ? 0 : 1;
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const peer of peers) peer.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(reference: Peer, ours: Peer, programs: readonly [Program, Program]): Promise<boolean> {
  const total: Tally = { equal: 0, onPurpose: 0, different: 0 };
  const reasons = new Map<string, number>();
  for (const { name, scenarios } of exchangeSets) {
    const chosen = scenarios.filter((scenario) => scenario.name.includes(options.only));
    const tally = await compareSet(reference, ours, chosen, reasons);
    for (const key of ['equal', 'onPurpose', 'different'] as const) total[key] += tally[key];
    if (chosen.length > 0) console.log(`${name}: ${summary(tally)}`);
  }
  const tally = await compareEndpoints(programs);
  for (const key of ['equal', 'onPurpose', 'different'] as const) total[key] += tally[key];
  console.log(`endpoints: ${summary(tally)}`);
  console.log(`all, with ${reference.name} and ${ours.name}: ${summary(total)}`);
  for (const [reason, count] of reasons) console.log(`  on purpose (${count}): ${reason}`);
  return total.different === 0 && total.equal > 0;
}

async function compareEndpoints([left, right]: readonly [Program, Program]): Promise<Tally> {
  const tally: Tally = { equal: 0, onPurpose: 0, different: 0 };
  const [expected, actual] = await Promise.all(
    [left, right].map((program) => tryEndpoints(program, mkdtempSync(join(folder, 'endpoints-')))),
  );
  for (const [index, { name, outcome }] of expected!.entries()) {
    const found = actual![index]!.outcome;
    if (outcome === found) {
      tally.equal++;
      if (options.verbose) console.log(`equal: ${name}: ${found}`);
      continue;
    }
    tally.different++;
    console.log(`different: ${name}\n  expected: ${outcome}\n  actual: ${found}`);
  }
  return tally;
}

async function compareSet(
  reference: Peer,
  ours: Peer,
  scenarios: readonly Scenario[],
  reasons: Map<string, number>,
): Promise<Tally> {
  const tally: Tally = { equal: 0, onPurpose: 0, different: 0 };
  for (const scenario of scenarios) {
    const [expected, actual] = await Promise.all([play(reference, scenario), play(ours, scenario)]);
    scenario.exchanges.forEach((exchange, index) => {
      judge(tally, reasons, scenario, describe(exchange), expected[index]!, actual[index]!);
    });
    const [surplusExpected, surplusActual] = [expected.at(-1)!, actual.at(-1)!];
    if (surplusExpected.length + surplusActual.length > 0) {
      judge(tally, reasons, scenario, 'after the last exchange', surplusExpected, surplusActual);
    }
    for (const peer of [reference, ours]) {
      if (!peer.alive) throw new Error(`${peer.name} died in '${scenario.name}': ${peer.output.trim()}`);
    }
  }
  return tally;
}

function summary({ equal, onPurpose, different }: Tally): string {
  const total = equal + onPurpose + different;
  return `${total} exchanges: ${equal} equal, ${onPurpose} different on purpose, ${different} different`;
}

function judge(
  tally: Tally,
  reasons: Map<string, number>,
  scenario: Scenario,
  exchange: string,
  expected: Transcript,
  actual: Transcript,
): void {
  if (expected.join('\n') === actual.join('\n')) {
    tally.equal++;
    if (options.verbose) console.log(`equal: ${scenario.name}: ${exchange}\n${indent(actual)}`);
    return;
  }
  const purpose = purposes.find(
    (each) => each.exchange.test(`${scenario.name}: ${exchange}`) && each.qemu.test(expected.join('\n')),
  );
  if (purpose !== undefined) {
    tally.onPurpose++;
    reasons.set(purpose.reason, (reasons.get(purpose.reason) ?? 0) + 1);
    return;
  }
  tally.different++;
  console.log(`different: ${scenario.name}: ${exchange}`);
  console.log(`  expected:\n${indent(expected)}\n  actual:\n${indent(actual)}`);
}

function describe(exchange: Exchange): string {
  if ('socket' in exchange) return `${JSON.stringify(exchange.send)} on the socket ${exchange.socket}`;
  const { send, monitor, descriptors } = exchange;
  const text = JSON.stringify(Buffer.from(send).toString('latin1'));
  const shown = text.length > 160 ? `${text.slice(0, 160)}…` : text;
  const on = monitor === undefined ? '' : ` on monitor ${monitor}`;
  return `${shown}${on}${descriptors === undefined ? '' : ` with ${descriptors.length} descriptors`}`;
}

function indent(lines: Transcript): string {
  return lines
    .slice(0, 12)
    .map((line) => `    ${line.length > 300 ? `${line.slice(0, 300)}…` : line}`)
    .join('\n');
}
