import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { MonitorExchange, Scenario, SocketExchange } from './exchange.js';
import { MonitorConnection } from './monitor-connection.js';
import { formFaults, normalise } from './normalise.js';
import { Peer, prettyMonitor } from './peer.js';
import { SocketConnection } from './socket-connection.js';

/** What came of one exchange: a line for each message, in the order of monitors, then of arrival. */
export type Transcript = readonly string[];

const replyLimitMs = 3000;
/** Between two attempts at what is awaited, and until it is given up. */
const retryMs = 20;
const awaitLimitMs = 15_000;
/** Enough for a message that should not have come. */
const surplusMs = 20;

/** Plays a scenario to a peer, or to another like it that is started for it in a folder of its own. */
export async function play(peer: Peer, scenario: Scenario): Promise<Transcript[]> {
  if (scenario.machine === undefined) return playTo(peer, scenario);
  const folder = mkdtempSync(join(peer.folder, 'own-'));
  const own = await Peer.start(peer.program, folder, scenario.machine);
  try {
    return await playTo(own, scenario);
  } finally {
    own.stop();
  }
}

async function playTo(peer: Peer, scenario: Scenario): Promise<Transcript[]> {
  const connections: MonitorConnection[] = [];
  const sockets = new Map<string, SocketConnection>();
  const transcripts: Transcript[] = [];
  try {
    for (let index = 0; index < (scenario.monitors ?? 1); index++) {
      connections.push(await connect(peer, index, scenario.negotiate));
    }
    for (const exchange of scenario.exchanges) {
      transcripts.push(
        'socket' in exchange
          ? await playToSocket(peer, sockets, exchange)
          : await playToMonitor(peer, connections, exchange),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, surplusMs));
    const surplus = connections.flatMap((connection, index) => [
      ...connection.rest().map((message) => `${index}: ${withoutFolder(normalise(message), peer)}`),
      ...formFaults(connection.takeText(), index === prettyMonitor).map((fault) => `${index}: ${fault}`),
    ]);
    transcripts.push(surplus);
    return transcripts;
  } finally {
    for (const connection of [...connections, ...sockets.values()]) connection.close();
  }
}

async function connect(
  peer: Peer,
  index: number,
  negotiate: Scenario['negotiate'],
): Promise<MonitorConnection> {
  const connection = await MonitorConnection.open(peer.paths[index]!);
  const [greeting] = await connection.take(1, replyLimitMs);
  if (greeting === undefined) throw new Error(`${peer.name}: no greeting on monitor ${index}`);
  if (negotiate === 'none') return connection;
  const args = negotiate === 'oob' ? ', "arguments": {"enable": ["oob"]}' : '';
  await connection.send(Buffer.from(`{"execute": "qmp_capabilities"${args}}`), undefined, []);
  await connection.take(1, replyLimitMs);
  return connection;
}

async function playToSocket(
  peer: Peer,
  sockets: Map<string, SocketConnection>,
  { socket: name, send, until, reconnect }: SocketExchange,
): Promise<Transcript> {
  if (reconnect) sockets.get(name)?.close();
  const known = reconnect ? undefined : sockets.get(name);
  const socket = known ?? (await SocketConnection.open(join(peer.folder, name)));
  sockets.set(name, socket);
  socket.send(send.replaceAll('FOLDER', peer.folder));
  if (until === '') return [];
  const text = await socket.takeUntil(until, replyLimitMs);
  const shown = withoutFolder(text, peer).replaceAll(/^QEMU [\d.]+ monitor/gm, 'QEMU … monitor');
  return [`${name}: ${JSON.stringify(shown)}`];
}

/** Folders differ from peer to peer. */
function withoutFolder(text: string, { folder }: Peer): string {
  return text.replaceAll(folder, 'FOLDER');
}

async function playToMonitor(
  peer: Peer,
  connections: MonitorConnection[],
  exchange: MonitorExchange,
): Promise<Transcript> {
  const target = exchange.monitor ?? 0;
  if (exchange.reconnect) {
    connections[target]!.close();
    connections[target] = await MonitorConnection.open(peer.paths[target]!);
  }
  const bytes =
    typeof exchange.send === 'string'
      ? Buffer.from(exchange.send.replaceAll('FOLDER', peer.folder))
      : exchange.send;
  if (exchange.awaits !== undefined) return [await awaited(connections[target]!, bytes, exchange.awaits)];
  await connections[target]!.send(bytes, exchange.chunk, exchange.descriptors ?? []);
  const expected: Record<number, number> = { ...exchange.elsewhere, [target]: exchange.replies ?? 1 };
  const lines: string[] = [];
  for (const [index, connection] of connections.entries()) {
    const count = expected[index] ?? 0;
    const messages = await connection.take(count, replyLimitMs);
    const texts = messages.map((message) => `${index}: ${withoutFolder(normalise(message, exchange), peer)}`);
    if (exchange.unordered) texts.sort();
    lines.push(...texts);
    for (let missing = messages.length; missing < count; missing++) lines.push(`${index}: nothing`);
  }
  return lines;
}

async function awaited(connection: MonitorConnection, bytes: Uint8Array, wanted: RegExp): Promise<string> {
  const deadline = Date.now() + awaitLimitMs;
  while (Date.now() < deadline) {
    await connection.send(bytes, undefined, []);
    const [message] = await connection.take(1, replyLimitMs);
    if (message !== undefined && wanted.test(normalise(message))) return `awaited ${wanted}`;
    await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
  return `in vain awaited ${wanted}`;
}
