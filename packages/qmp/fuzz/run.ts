/**
 * Throws mutated messages at the reader and at sessions.
 *
 *   run.js [--messages N] [--seed N]
 *
 * Without a seed it takes a new one, and says in the end which.
 *
 * The reader must say the same whatever the chunks; a session must answer in JSON, survive, and answer a correct request
 * right after it was reset.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { VirtualClock } from '@godwit/clock';
import { JsonReader, parse, stringify } from '@godwit/json';
import { createMemoryTransports, type MemoryTransport, QmpServer } from '../src/index.js';
import { SampleDispatcher } from '../test/support/sample-dispatcher.js';
import { mutate } from './mutate.js';
import { Random } from './random.js';

const { values } = parseArgs({
  options: {
    messages: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
  },
});
const total = Number(values.messages);
const random = new Random(Number(values.seed));
/** Messages that are thrown before it is checked that all is well. */
const burst = 50;
/** Bursts that one session gets before the next begins. */
const burstsPerSession = 40;

const start = performance.now();
let messages = 0;
while (messages < total) {
  await playSession();
}
const seconds = (performance.now() - start) / 1000;
console.log(`fuzz: ${messages} messages, seed ${values.seed}, ${seconds.toFixed(1)} s: nothing broke`);

async function playSession(): Promise<void> {
  const dispatcher = new SampleDispatcher();
  const server = new QmpServer({ dispatcher, clock: new VirtualClock() });
  const monitor = server.addMonitor({ label: 'fuzz', pretty: random.below(8) === 0 });
  const [ours, theirs] = createMemoryTransports();
  const ended = monitor.attach(ours);
  let text = '';
  theirs.start({
    data: (chunk) => {
      text += Buffer.from(chunk).toString('latin1');
    },
    drain: () => {},
    ended: () => {},
    closed: () => {},
  });
  for (let round = 0; round < burstsPerSession && messages < total; round++) {
    const thrown: Buffer[] = [];
    for (let count = 0; count < burst; count++) thrown.push(mutate(random));
    messages += burst;
    const bytes = Buffer.concat(thrown);
    checkReader(bytes);
    throwAt(theirs, bytes);
    text = '';
    theirs.write(Buffer.from([0xff, 0x0a]));
    theirs.write(Buffer.from(`{"execute": "query-name", "id": "alive ${messages}"}`));
    while (!text.includes(`"alive ${messages}"`)) {
      dispatcher.open();
      await new Promise((resolve) => setImmediate(resolve));
      if (monitor.session === undefined) assert.fail(`the session ended: ${context(bytes)}`);
    }
    if (!/^[\x20-\x7e\r\n]*$/.test(text)) assert.fail(`the reply is not ASCII: ${context(bytes)}`);
  }
  theirs.destroy();
  assert.equal(await ended, undefined);
  server.close();
}

/** The same bytes, whole and in pieces, give the same values and errors; values can be written and read again. */
function checkReader(bytes: Buffer): void {
  const whole = readAll([bytes]).join('\n');
  if (readAll(cut(bytes)).join('\n') !== whole) assert.fail(`chunks matter: ${context(bytes)}`);
}

function readAll(chunks: readonly Buffer[]): string[] {
  const reader = new JsonReader();
  const results: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let message = reader.read(); message !== undefined; message = reader.read()) {
      if (message.error !== undefined) results.push(`!${message.error.message}`);
      else {
        const text = stringify(message.value);
        assert.equal(stringify(parse(text)), text);
        results.push(text);
      }
    }
  }
  return results;
}

function cut(bytes: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + random.below(64);
    chunks.push(bytes.subarray(at, next));
    at = next;
  }
  return chunks;
}

function throwAt(transport: MemoryTransport, bytes: Buffer): void {
  for (const chunk of random.below(2) === 0 ? [bytes] : cut(bytes)) transport.write(chunk);
}

function context(bytes: Buffer): string {
  return `seed ${values.seed}, before message ${messages}: ${JSON.stringify(bytes.toString('latin1'))}`;
}
