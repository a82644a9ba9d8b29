/**
 * Measures the machine's monitors beside those of the real QEMU, and the client beside `node-qemu`, in one run and with the
 * same client at the other end. Prints ratios; exits with 1 when one is below its target.
 *
 *   run.js [--seconds N]    how long each measurement takes
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, Peer, qemu } from '../conformance/peer.js';
import { clientFigures, loadNodeQemu } from './client-figures.js';
import {
  connectionRates,
  type Pair,
  pipelinedRates,
  sequentialRates,
  slowestOfMany,
} from './server-figures.js';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '2' } } });
const durationMs = Number(values.seconds) * 1000;
const manyMonitors = 200;
const slowestLimitMs = 50;
const iothread = ['-object', 'iothread,id=io0,poll-max-ns=9007199254740993'];

const folder = mkdtempSync(join(tmpdir(), 'godwit-bench-'));
const peers: Peer[] = [];
let belowTarget = 0;
try {
  const ours = await start(machine, iothread);
  const both: Pair<Peer> = [await start(qemu, iothread), ours];
  compare('sequential query-name', await sequentialRates(both, durationMs), 3);
  compare('64 pipelined', await pipelinedRates(both, durationMs), 10);
  compare('connections', await connectionRates(both, durationMs), 1);
  await measureMany();
  await measureClients(ours);
} finally {
  for (const peer of peers) peer.stop();
  rmSync(folder, { recursive: true, force: true });
}
if (belowTarget > 0) process.exitCode = 1;

async function start(program: typeof qemu, extra: readonly string[]): Promise<Peer> {
  const own = join(folder, program.name);
  mkdirSync(own);
  const peer = await Peer.start(program, own, extra);
  peers.push(peer);
  return peer;
}

function compare(what: string, [theirs, ours]: Pair<number>, target: number, other = 'QEMU'): void {
  const ratio = ours / theirs;
  const verdict = ratio >= target ? 'ok' : 'BELOW TARGET';
  if (ratio < target) belowTarget++;
  console.log(
    `${what}: godwit ${rate(ours)}, ${other} ${rate(theirs)}: ${ratio.toFixed(1)} times (at least ${target}) ${verdict}`,
  );
}

async function measureMany(): Promise<void> {
  const paths = Array.from({ length: manyMonitors }, (_, index) => join(folder, `monitor-${index}`));
  const monitors = paths.flatMap((path) => ['-qmp', `unix:${path},server=on,wait=off`]);
  const peer = await start({ ...machine, name: 'many' }, monitors);
  while (!paths.every((path) => existsSync(path))) await new Promise((resolve) => setTimeout(resolve, 20));
  let slowest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) slowest = Math.min(slowest, await slowestOfMany(paths));
  if (slowest > slowestLimitMs) belowTarget++;
  const verdict = slowest <= slowestLimitMs ? 'ok' : 'BELOW TARGET';
  console.log(
    `${manyMonitors} monitors asked at once: slowest answer after ${slowest.toFixed(1)} ms (at most ${slowestLimitMs}) ${verdict}`,
  );
  peer.stop();
}

async function measureClients(peer: Peer): Promise<void> {
  const nodeQemu = await loadNodeQemu(folder);
  if (nodeQemu === undefined) {
    console.log('node-qemu: cannot be installed here, not compared');
    return;
  }
  const { sequential, concurrent, exact, outOfBand } = await clientFigures(nodeQemu, peer, durationMs);
  compare('client, one after the other', sequential, 1, 'node-qemu');
  compare('client, 64 at once', concurrent, 1, 'node-qemu');
  verify('2^53 + 1 comes back exactly', exact);
  verify('out-of-band execution', outOfBand);
}

function verify(what: string, [theirs, ours]: Pair<boolean>): void {
  if (!ours) belowTarget++;
  console.log(`client, ${what}: godwit ${ours ? 'right' : 'WRONG'}, node-qemu ${theirs ? 'right' : 'wrong'}`);
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en')}/s`;
}
