import type { Peer } from '../conformance/peer.js';
import { RawClient } from './raw-client.js';

const request = '{"execute": "query-name"}\n';
const pipelineDepth = 64;
/**
 * Measurements of two peers alternate, so that both see the same of whatever else the host does, and each is as good as its
 * best round.
 */
const rounds = 8;

export type Pair<Value> = readonly [theirs: Value, ours: Value];

/** Round trips per second, one after the other. */
export async function sequentialRates(peers: Pair<Peer>, durationMs: number): Promise<Pair<number>> {
  return withClients(peers, (client) => () => client.exchange(Buffer.from(request), 1), 1, durationMs);
}

/** Commands per second with 64 on their way at once. */
export async function pipelinedRates(peers: Pair<Peer>, durationMs: number): Promise<Pair<number>> {
  const batch = Buffer.from(request.repeat(pipelineDepth));
  const exchange = (client: RawClient) => () => client.exchange(batch, pipelineDepth);
  return withClients(peers, exchange, pipelineDepth, durationMs);
}

/** Connections per second, each up to its greeting, one after the other. */
export async function connectionRates(peers: Pair<Peer>, durationMs: number): Promise<Pair<number>> {
  const connect = (peer: Peer) => async () => (await RawClient.connect(peer.paths[0]!)).close();
  return bestRates([connect(peers[0]), connect(peers[1])], 1, durationMs);
}

/** The longest time in milliseconds that one of many monitors takes to answer, when all are asked at once. */
export async function slowestOfMany(paths: readonly string[]): Promise<number> {
  const clients = await Promise.all(paths.map((path) => RawClient.negotiated(path)));
  const times = await Promise.all(
    clients.map(async (client) => {
      const start = performance.now();
      await client.exchange(Buffer.from(request), 1);
      return performance.now() - start;
    }),
  );
  for (const client of clients) client.close();
  return Math.max(...times);
}

async function withClients(
  peers: Pair<Peer>,
  call: (client: RawClient) => () => Promise<unknown>,
  perCall: number,
  durationMs: number,
): Promise<Pair<number>> {
  const theirs = await RawClient.negotiated(peers[0].paths[0]!);
  const ours = await RawClient.negotiated(peers[1].paths[0]!);
  try {
    return await bestRates([call(theirs), call(ours)], perCall, durationMs);
  } finally {
    theirs.close();
    ours.close();
  }
}

/** How often per second two things can be done, each for `durationMs` altogether, after half of that to warm up. */
export async function bestRates(
  calls: Pair<() => Promise<unknown>>,
  perCall: number,
  durationMs: number,
): Promise<Pair<number>> {
  for (const call of calls) await rateOf(call, perCall, durationMs / 2);
  const best = [0, 0];
  for (let round = 0; round < rounds; round++) {
    for (const [index, call] of calls.entries()) {
      best[index] = Math.max(best[index]!, await rateOf(call, perCall, durationMs / rounds));
    }
  }
  return [best[0]!, best[1]!];
}

async function rateOf(call: () => Promise<unknown>, perCall: number, durationMs: number): Promise<number> {
  const start = performance.now();
  const end = start + durationMs;
  let count = 0;
  while (performance.now() < end) {
    await call();
    count += perCall;
  }
  return (count * 1000) / (performance.now() - start);
}
