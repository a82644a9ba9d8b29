import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Channel, memoryChannelPair } from '../src/index.js';
import { BlockOrder } from '../src/multifd/block-order.js';
import { MultifdReceiver } from '../src/multifd/receiver.js';
import { MultifdSender } from '../src/multifd/sender.js';
import type { IncomingRecord } from '../src/stream/reader.js';
import { recordTypes } from '../src/stream/records.js';
import { StreamWriter } from '../src/stream/writer.js';

const ID = '000102030405060708090a0b0c0d0e0f';

function word(value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value);
  return payload;
}

/** As much as can happen by itself. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const sync = (number: number) => ({ type: recordTypes.SYNC, payload: word(number) });
const zero = (first: number) => ({
  type: recordTypes.RAM_ZERO,
  payload: Buffer.concat([word(first), word(1)]),
});
const block = (index: number) => ({
  type: recordTypes.DEVICE_BLOCK,
  payload: Buffer.concat([word(index), Buffer.of(1)]),
});

/** A receiver of some channels, their writers, and the first words of what it loaded. */
async function receiving(channels: number) {
  const loaded: number[] = [];
  const receiver: MultifdReceiver = new MultifdReceiver({
    channels,
    id: ID,
    load: async ({ type, payload }) => {
      const number = payload.readUInt32BE(0);
      if (type === recordTypes.DEVICE_BLOCK) await order.inTurn(number, async () => void loaded.push(number));
      else loaded.push(number);
    },
  });
  const order = new BlockOrder(receiver.hold);
  const writers: StreamWriter[] = [];
  const ends: Channel[] = [];
  for (let number = 0; number < channels; number++) {
    const [near, far] = memoryChannelPair();
    const writer = new StreamWriter(near);
    await writer.begin();
    await writer.write({
      type: recordTypes.CHANNEL,
      payload: Buffer.concat([Buffer.from(ID, 'hex'), word(number)]),
    });
    await receiver.add(far);
    writers.push(writer);
    ends.push(near);
  }
  receiver.start();
  return { receiver, writers, ends, loaded };
}

/** What ends all that waits for it. */
function failureOf(receiver: MultifdReceiver): Promise<string> {
  return receiver.wait(new Promise<never>(() => {})).catch((error: Error) => error.message);
}

function record(number: number): IncomingRecord {
  return { ...sync(number), subject: 0 };
}

test('what follows a sync is not loaded before all channels have come to it', async () => {
  const { receiver, writers, loaded } = await receiving(2);
  await writers[1]!.write(zero(2), sync(1), zero(3));
  const passed = receiver.sync(record(1));
  await settle();
  assert.deepEqual(loaded, [2]);
  await writers[0]!.write(zero(1), sync(1));
  await passed;
  await settle();
  assert.deepEqual(loaded, [2, 1, 3]);
  receiver.close();
});

test('what follows a sync is not loaded before the main channel has come to it', async () => {
  const { receiver, writers, loaded } = await receiving(2);
  for (const writer of writers) await writer.write(sync(1), zero(7));
  await settle();
  assert.deepEqual(loaded, []);
  await receiver.sync(record(1));
  await settle();
  assert.deepEqual(loaded, [7, 7]);
  receiver.close();
});

test('a sync that is not the next one is refused', async () => {
  const { receiver, writers } = await receiving(1);
  await assert.rejects(receiver.sync(record(2)), { message: 'SYNC 2 comes after SYNC 0' });
  const failure = failureOf(receiver);
  await writers[0]!.write(sync(3));
  assert.equal(await failure, 'channel 0: SYNC 3 comes after SYNC 0');
  receiver.close();
});

test('blocks of a device are loaded in their order, whichever channel is faster', async () => {
  const { receiver, writers, loaded } = await receiving(3);
  await writers[0]!.write(block(2), block(5));
  await writers[1]!.write(block(1), block(3));
  await settle();
  assert.deepEqual(loaded, []);
  await writers[2]!.write(block(0), block(4));
  await settle();
  assert.deepEqual(loaded, [0, 1, 2, 3, 4, 5]);
  receiver.close();
});

test('a block that never comes does not stop a migration for ever', async () => {
  const { receiver, writers } = await receiving(2);
  const failure = failureOf(receiver);
  await writers[0]!.write(block(1));
  await writers[1]!.write(sync(1));
  assert.match(await failure, /every channel waits for what none has brought$/);
  receiver.close();
});

test('a block that comes twice is refused', async () => {
  const { receiver, writers } = await receiving(1);
  const failure = failureOf(receiver);
  await writers[0]!.write(block(0), block(0));
  assert.equal(await failure, 'channel 0: block 0 came twice');
  receiver.close();
});

test('a channel that ends ends what waits for it, unless everything has come', async () => {
  const broken = await receiving(2);
  const failure = failureOf(broken.receiver);
  broken.ends[1]!.close();
  assert.equal(await failure, 'channel 1: the source closed the connection before everything was sent');
  broken.receiver.close();

  const whole = await receiving(2);
  let ended = false;
  whole.receiver.wait(new Promise(() => {})).catch(() => {
    ended = true;
  });
  whole.receiver.complete();
  for (const end of whole.ends) end.close();
  await settle();
  assert.equal(ended, false);
  whole.receiver.close();
});

for (const [what, payload, reason] of [
  [
    'of another migration',
    Buffer.concat([Buffer.alloc(16, 0xff), word(0)]),
    'an additional channel belongs to another migration',
  ],
  [
    'with a number that was not announced',
    Buffer.concat([Buffer.from(ID, 'hex'), word(9)]),
    'additional channel 9 is there already, or was not announced',
  ],
] as const) {
  test(`a channel ${what} is refused`, async () => {
    const receiver = new MultifdReceiver({ channels: 2, id: ID, load: async () => {} });
    const [near, far] = memoryChannelPair();
    const writer = new StreamWriter(near);
    await writer.begin();
    await writer.write({ type: recordTypes.CHANNEL, payload });
    await assert.rejects(receiver.add(far), { message: reason });
    receiver.close();
  });
}

/** A channel whose writes wait until the gate opens, and what was written. */
function gated(): Channel & {
  readonly types: number[];
  readonly open: () => void;
  fail(error: Error): void;
} {
  let open = () => {};
  let fail: (error: Error) => void = () => {};
  const gate = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  const types: number[] = [];
  return {
    types,
    open: () => open(),
    fail: (error) => fail(error),
    write: async ([header]) => {
      await gate;
      types.push(Buffer.from(header!).readUInt16BE(0));
    },
    readExactly: async () => false,
    close: () => {},
  };
}

test('a sync is not sent before everything from before it has been taken, nor anything from after it meanwhile', async () => {
  const channels = [gated(), gated()];
  const main = gated();
  main.open();
  const sender = new MultifdSender(channels.map((channel) => new StreamWriter(channel)));
  await sender.write(zero(1));
  await sender.write(zero(2));
  channels[1]!.open();
  const synced = sender.sync(new StreamWriter(main));
  await settle();
  assert.deepEqual([main.types, channels[0]!.types], [[], []]);
  assert.deepEqual(channels[1]!.types, [recordTypes.RAM_ZERO.type]);
  channels[0]!.open();
  await synced;
  assert.deepEqual(main.types, [recordTypes.SYNC.type]);
  for (const { types } of channels)
    assert.deepEqual(types, [recordTypes.RAM_ZERO.type, recordTypes.SYNC.type]);
});

test('a channel that breaks ends all that is to be sent', async () => {
  const channels = [gated(), gated()];
  const sender = new MultifdSender(channels.map((channel) => new StreamWriter(channel)));
  await sender.write(zero(1));
  await sender.write(zero(2));
  const waiting = sender.write(zero(3));
  channels[0]!.fail(new Error('gone'));
  await assert.rejects(waiting, { message: 'gone' });
  await assert.rejects(sender.write(zero(4)), { message: 'gone' });
  await assert.rejects(sender.sync(new StreamWriter(gated())), { message: 'gone' });
});
