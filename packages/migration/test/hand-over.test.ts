import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Channel } from '../src/index.js';
import { PREAMBLE_BYTES, RECORD_HEADER_BYTES } from '../src/stream/records.js';
import { type ChannelFault, FaultyChannel } from './faulty-channel.js';
import { Pair, type PairOptions } from './pair.js';

const options: PairOptions = { devices: [{ id: 'nic0', model: 'nic' }] };

/** Where LOADED is on the way back: after the preamble and ACCEPTED. */
const LOADED = PREAMBLE_BYTES + RECORD_HEADER_BYTES;

/** Bytes that go out in a migration without faults; GO is the last record. */
async function bytesOut(): Promise<number> {
  let bytes = 0;
  const counting = (channel: Channel): Channel => ({
    write: (chunks) => {
      for (const { length } of chunks) bytes += length;
      return channel.write(chunks);
    },
    readExactly: (into) => channel.readExactly(into),
    close: () => channel.close(),
  });
  const pair = new Pair({ ...options, wrap: (source, destination) => [counting(source), destination] });
  await pair.run();
  assert.equal(pair.outcome, 'completed');
  pair.close();
  return bytes;
}

async function run(fault: ChannelFault, way: 'out' | 'back'): Promise<Pair> {
  let faulty: FaultyChannel | undefined;
  const pair = new Pair({
    ...options,
    wrap: (source, destination) => {
      faulty = new FaultyChannel(way === 'out' ? source : destination, fault);
      return way === 'out' ? [faulty, destination] : [source, faulty];
    },
  });
  await pair.run();
  assert.ok(faulty?.happened, 'the fault did not happen');
  return pair;
}

for (const kind of ['flip', 'cut', 'stall'] as const) {
  test(`LOADED is lost (${kind}): the source runs on, the destination has the guest but does not start it`, async () => {
    for (let byte = 0; byte < RECORD_HEADER_BYTES; byte += kind === 'flip' ? 1 : 5) {
      const pair = await run({ kind, offset: LOADED + byte, mask: 0x10 }, 'back');
      assert.equal(pair.outcome, 'failed');
      assert.equal(pair.incomingOutcome, 'failed');
      assert.equal(pair.source.runState, 'running');
      assert.equal(pair.destination.runState, 'paused');
      assert.match(pair.incoming.error?.message ?? '', /^everything is loaded, but the source did not say/);
      pair.close();
    }
  });

  test(`GO is lost (${kind}): the source has given the guest up, and cont at the destination runs it`, async () => {
    const go = (await bytesOut()) - RECORD_HEADER_BYTES;
    for (let byte = 0; byte < RECORD_HEADER_BYTES; byte += kind === 'flip' ? 1 : 5) {
      const pair = await run({ kind, offset: go + byte, mask: 0x10 }, 'out');
      assert.equal(pair.outcome, 'completed');
      assert.equal(pair.source.runState, 'postmigrate');
      assert.equal(pair.incomingOutcome, 'failed');
      assert.equal(pair.destination.runState, 'paused');
      if (kind === 'cut')
        assert.match(pair.outgoing.error?.message ?? '', /may not have been told to start it/);
      await pair.destination.cont();
      assert.ok(pair.destination.arrived?.equals(pair.source.contents()));
      assert.equal(pair.destination.models[0]?.verify().errors, 0);
      pair.close();
    }
  });
}

test('a cancel counts until LOADED is there, and not at all afterwards', async () => {
  for (let turns = 0; turns < 24; turns++) {
    const pair: Pair = new Pair({
      ...options,
      wrap: (source, destination) => [
        cancelAfterLoaded(source, turns, () => pair.outgoing.cancel()),
        destination,
      ],
    });
    await pair.run();
    assert.equal(pair.runningGuests, 1);
    const cancelling = pair.source.events.includes('MIGRATION cancelling');
    assert.equal(pair.outcome, cancelling ? 'cancelled' : 'completed');
    assert.equal(pair.source.running, cancelling);
    if (turns > 4) assert.equal(pair.outcome, 'completed');
    pair.close();
  }
});

/** Calls `cancel` so many microtasks after the last byte of LOADED was read. */
function cancelAfterLoaded(channel: Channel, turns: number, cancel: () => void): Channel {
  let bytes = 0;
  return {
    write: (chunks) => channel.write(chunks),
    readExactly: async (into) => {
      const more = await channel.readExactly(into);
      bytes += into.length;
      if (bytes === LOADED + RECORD_HEADER_BYTES) {
        void (async () => {
          for (let turn = 0; turn < turns; turn++) await undefined;
          cancel();
        })();
      }
      return more;
    },
    close: () => channel.close(),
  };
}
