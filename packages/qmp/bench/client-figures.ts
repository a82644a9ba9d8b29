import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { requireNative } from '@godwit/native';
import type { Peer } from '../conformance/peer.js';
import { QmpClient } from '../src/index.js';
import { bestRates, type Pair } from './server-figures.js';

const nodeQemuVersion = '1.3.0';
const concurrency = 64;
const installLimitMs = 60_000;
const answerLimitMs = 2000;
const exactPollMaxNs = 9007199254740993n;

/** What the measurements need of `node-qemu`. */
interface NodeQemuClient extends AnyClient {
  connect(): Promise<void>;
}

export interface NodeQemu {
  QMPClient: new (options: { socketPath: string; oob?: boolean }) => NodeQemuClient;
}

/** Installs `node-qemu` into a folder and loads it; undefined when it cannot be had. */
export async function loadNodeQemu(folder: string): Promise<NodeQemu | undefined> {
  const install = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
  const { status } = spawnSync('npm', [...install, `node-qemu@${nodeQemuVersion}`], {
    stdio: 'ignore',
    timeout: installLimitMs,
  });
  if (status !== 0) return undefined;
  const entry = join(folder, 'node_modules', 'node-qemu', 'dist', 'index.mjs');
  return (await import(pathToFileURL(entry).href)) as NodeQemu;
}

export interface ClientFigures {
  /** Commands per second with 64 issued at once, and one after the other. */
  readonly concurrent: Pair<number>;
  readonly sequential: Pair<number>;
  /** Whether 2^53 + 1 came back as it is. */
  readonly exact: Pair<boolean>;
  /** Whether an out-of-band command was executed as one. */
  readonly outOfBand: Pair<boolean>;
}

/** What both clients can do. */
interface AnyClient {
  execute(command: string): Promise<unknown>;
  executeOob(command: string): Promise<unknown>;
  close(): Promise<void>;
}

/** `node-qemu` and our client, on two monitors of a peer that has an iothread whose poll-max-ns is 2^53 + 1. */
export async function clientFigures(
  { QMPClient }: NodeQemu,
  peer: Peer,
  durationMs: number,
): Promise<ClientFigures> {
  const theirs = new QMPClient({ socketPath: peer.paths[0]!, oob: true });
  await theirs.connect();
  const ours = await QmpClient.connect(
    { kind: 'unix', path: peer.paths[1]! },
    { native: requireNative('the benchmark') },
  );
  try {
    const one = (client: AnyClient) => () => client.execute('query-name');
    const many = (client: AnyClient) => () => Promise.all(Array.from({ length: concurrency }, one(client)));
    return {
      sequential: await bestRates([one(theirs), one(ours)], 1, durationMs),
      concurrent: await bestRates([many(theirs), many(ours)], concurrency, durationMs),
      exact: [await isExact(theirs), await isExact(ours)],
      outOfBand: [await isOutOfBand(theirs), await isOutOfBand(ours)],
    };
  } finally {
    await theirs.close();
    await ours.close();
  }
}

async function isExact(client: AnyClient): Promise<boolean> {
  const [iothread] = (await client.execute('query-iothreads')) as { 'poll-max-ns': unknown }[];
  return String(iothread?.['poll-max-ns']) === String(exactPollMaxNs);
}

/** A command that may not run out of band is refused with that reason only if it was asked for out of band. */
async function isOutOfBand(client: AnyClient): Promise<boolean> {
  const outcome = client.executeOob('query-name').then(
    () => 'executed',
    (error: Error) => error.message,
  );
  const answered = await Promise.race([outcome, sleep(answerLimitMs, 'no answer')]);
  return /does not support OOB/.test(answered);
}
