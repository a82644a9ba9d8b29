/**
 * Plays the same exchanges to the real QEMU and to the machine, and compares what they say; then shows the client with both.
 *
 *   run.js [--peers NAME,NAME] [--verbose] [--only TEXT]
 *
 * Peers are `qemu` and `godwit`; comparing `qemu,qemu` shows that the exchanges themselves are repeatable.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { checkClient, checkReconnect } from './client.js';
import type { Exchange, Scenario } from './exchange.js';
import { scenarios } from './exchanges/index.js';
import { purposes } from './on-purpose.js';
import { machine, Peer, type Program, qemu } from './peer.js';
import { play, type Transcript } from './play.js';

interface Tally {
  equal: number;
  onPurpose: number;
  different: number;
  readonly reasons: Map<string, number>;
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
  peers.push(await Peer.start(left, folder));
  peers.push(
    await Peer.start({ ...right, name: left === right ? `${right.name}-again` : right.name }, folder),
  );
  const alike = await compare(peers[0]!, peers[1]!);
  const works = await checkClients([left, right]);
  process.exitCode = alike && works ? 0 : 1;
} catch (error) {
  console.error(`conformance: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  for (const peer of peers) peer.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(reference: Peer, ours: Peer): Promise<boolean> {
  const tally: Tally = { equal: 0, onPurpose: 0, different: 0, reasons: new Map() };
  for (const scenario of scenarios.filter(({ name }) => name.includes(options.only))) {
    const [expected, actual] = await Promise.all([play(reference, scenario), play(ours, scenario)]);
    scenario.exchanges.forEach((exchange, index) => {
      judge(tally, scenario, describe(exchange), expected[index]!, actual[index]!);
    });
    const [surplusExpected, surplusActual] = [expected.at(-1)!, actual.at(-1)!];
    if (surplusExpected.length + surplusActual.length > 0) {
      judge(tally, scenario, 'after the last exchange', surplusExpected, surplusActual);
    }
    for (const peer of [reference, ours]) {
      if (!peer.alive) throw new Error(`${peer.name} died in '${scenario.name}': ${peer.output.trim()}`);
    }
  }
  const total = tally.equal + tally.onPurpose + tally.different;
  console.log(
    `${total} exchanges with ${reference.name} and ${ours.name}: ${tally.equal} equal, ` +
      `${tally.onPurpose} different on purpose, ${tally.different} different`,
  );
  for (const [reason, count] of tally.reasons) console.log(`  on purpose (${count}): ${reason}`);
  return tally.different === 0 && tally.equal > 0;
}

/** Shows our client against each peer. */
async function checkClients(chosen: readonly Program[]): Promise<boolean> {
  let works = true;
  for (const [index, peer] of peers.entries()) {
    const program = chosen[index]!;
    const failures = await checkClient(peer, program === qemu);
    failures.push(...(await checkReconnect({ ...program, name: `${peer.name}-restarted` }, folder)));
    for (const failure of failures) console.log(`client with ${peer.name}: ${failure}`);
    if (failures.length > 0) works = false;
    else console.log(`client with ${peer.name}: all checks passed`);
  }
  return works;
}

function judge(
  tally: Tally,
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
    tally.reasons.set(purpose.reason, (tally.reasons.get(purpose.reason) ?? 0) + 1);
    return;
  }
  tally.different++;
  console.log(`different: ${scenario.name}: ${exchange}`);
  console.log(`  expected:\n${indent(expected)}\n  actual:\n${indent(actual)}`);
}

function describe({ send, monitor, descriptors }: Exchange): string {
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
