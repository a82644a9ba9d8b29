import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import { describeConfiguration, encodeConfiguration } from '../src/configuration.js';
import { defaultPageDigests, defaultTimeouts, IncomingMigration, memoryChannelPair } from '../src/index.js';
import { encodeSection } from '../src/outgoing/section.js';
import { RamSender } from '../src/ram/sender.js';
import { StreamReader } from '../src/stream/reader.js';
import { recordTypes } from '../src/stream/records.js';
import { type OutgoingRecord, StreamWriter } from '../src/stream/writer.js';
import { TestMachine } from './test-machine.js';

const clock = new VirtualClock();
const devices = [{ id: 'nic0', model: 'nic' }];

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    buffer.writeUInt32BE(value, index * 4);
  });
  return buffer;
}

function section(name: string, version: number, state: string): OutgoingRecord {
  const payload = encodeSection({ name, version, save: () => Buffer.from(state), load: () => {} });
  return { type: recordTypes.SECTION, payload };
}

type Step = (source: Source) => Promise<unknown>;

/** A source that writes what it is told to. */
class Source {
  readonly machine = new TestMachine({ clock });
  readonly writer: StreamWriter;

  constructor(writer: StreamWriter) {
    this.writer = writer;
  }

  async ram(): Promise<void> {
    const ram = new RamSender(this.machine.ram, defaultPageDigests);
    while (ram.remaining > 0) await ram.send(this.writer);
    await ram.sendDigests(this.writer);
  }

  end(count = this.writer.records): Promise<unknown> {
    return this.writer.write({
      type: recordTypes.END,
      payload: Buffer.concat([words(count), Buffer.from('running')]),
    });
  }
}

const record =
  (written: OutgoingRecord): Step =>
  (source) =>
    source.writer.write(written);
const ram: Step = (source) => source.ram();
const sections: Step = (source) => source.writer.write(section('cpu/0', 1, '5'), section('rtc', 1, ''));
const end: Step = (source) => source.end();

/** What the destination says of a stream that has the right configuration, then these steps. */
async function reasonFor(steps: readonly Step[], withDevice = false): Promise<string | undefined> {
  const destination = new TestMachine({ clock, runState: 'inmigrate', devices: withDevice ? devices : [] });
  const [near, far] = memoryChannelPair();
  const incoming = new IncomingMigration({
    clock,
    machine: destination,
    pageDigests: defaultPageDigests,
    timeouts: defaultTimeouts,
  });
  const outcome = incoming.start(far);
  const source = new Source(new StreamWriter(near));
  const answers = new StreamReader(near, 'destination');
  const sending = (async () => {
    await source.writer.begin();
    const configuration = describeConfiguration(destination, defaultPageDigests.name, {
      switchoverAck: false,
    });
    await source.writer.write({
      type: recordTypes.CONFIGURATION,
      payload: encodeConfiguration(configuration),
    });
    for (const step of steps) await step(source);
  })();
  await answers.begin();
  const accepted = await answers.next();
  assert.equal(accepted?.type, recordTypes.ACCEPTED);
  const answer = await answers.next();
  const reason = answer?.type === recordTypes.FAILED ? answer.payload.toString() : undefined;
  await sending;
  if (reason === undefined) await source.writer.write({ type: recordTypes.GO });
  else near.close();
  await outcome;
  assert.equal(destination.running, reason === undefined);
  assert.equal(incoming.error?.message, reason);
  destination.close();
  assert.equal(clock.pendingTimers, 0);
  return reason;
}

const pages = 64 + 33;

const rows: readonly {
  readonly what: string;
  readonly steps: readonly Step[];
  readonly device?: true;
  readonly reason: string;
}[] = [
  {
    what: 'no digests of RAM',
    steps: [sections, end],
    reason: 'the stream ends without the digests of all RAM',
  },
  { what: 'no section', steps: [ram, end], reason: "the stream ends without section 'cpu/0'" },
  {
    what: 'a section twice',
    steps: [ram, sections, sections, end],
    reason: "section 'cpu/0' is unknown here, or came twice",
  },
  {
    what: 'a section of a later version',
    steps: [record(section('rtc', 3, ''))],
    reason: "section 'rtc' has version 3, this machine reads versions up to 1",
  },
  {
    what: 'a section that the machine refuses',
    steps: [record(section('cpu/0', 1, 'x'))],
    reason: "section 'cpu/0': not a number",
  },
  {
    what: 'a device without its end',
    steps: [ram, sections, end],
    device: true,
    reason: "the stream ends without the end of device 'nic0'",
  },
  {
    what: 'an incomplete device',
    steps: [ram, sections, record({ type: recordTypes.DEVICE_END }), end],
    device: true,
    reason: "device 'nic0': ",
  },
  {
    what: 'data for no device',
    steps: [record({ type: recordTypes.DEVICE_DATA, subject: 3, payload: Buffer.alloc(1) })],
    reason: 'DEVICE_DATA record for device 3, which does not exist',
  },
  {
    what: 'data after the end of its device',
    steps: [
      record({ type: recordTypes.DEVICE_END }),
      record({ type: recordTypes.DEVICE_DATA, payload: Buffer.alloc(1) }),
    ],
    device: true,
    reason: "DEVICE_DATA record after the end of device 'nic0'",
  },
  {
    what: 'pages outside of RAM',
    steps: [record({ type: recordTypes.RAM_ZERO, payload: words(pages, 1) })],
    reason: `pages ${pages} to ${pages} are not within one segment of RAM`,
  },
  {
    what: 'pages across segments',
    steps: [record({ type: recordTypes.RAM_ZERO, payload: words(60, 8) })],
    reason: 'pages 60 to 67 are not within one segment of RAM',
  },
  {
    what: 'an empty run of pages',
    steps: [record({ type: recordTypes.RAM_ZERO, payload: words(1, 0) })],
    reason: 'a RAM_ZERO record has an empty run of pages',
  },
  {
    what: 'half a run of pages',
    steps: [record({ type: recordTypes.RAM_ZERO, payload: words(1, 1, 1) })],
    reason: 'a RAM_ZERO record ends inside a run of pages',
  },
  {
    what: 'too many pages at once',
    steps: [record({ type: recordTypes.RAM_PAGES, payload: words(0, 0xffff_ffff) })],
    reason: 'a RAM_PAGES record has 4294967295 pages, which is more than allowed',
  },
  {
    what: 'RAM that is not what was sent',
    steps: [record({ type: recordTypes.RAM_DIGESTS, payload: words(0, 1) })],
    reason: 'guest RAM was damaged on its way, within 2 MiB from address 0x0',
  },
  {
    what: 'digests out of order',
    steps: [record({ type: recordTypes.RAM_DIGESTS, payload: words(7, 1) })],
    reason: 'RAM_DIGESTS records out of order',
  },
  {
    what: 'a record too few',
    steps: [ram, sections, (source) => source.end(99)],
    reason: 'the source sent 99 records, 6 arrived',
  },
  { what: 'GO before its time', steps: [record({ type: recordTypes.GO })], reason: 'unexpected GO record' },
  {
    what: 'a second configuration',
    steps: [record({ type: recordTypes.CONFIGURATION, payload: Buffer.from('{}') })],
    reason: 'unexpected CONFIGURATION record',
  },
];

test('a stream with all that belongs to it is loaded', async () => {
  assert.equal(await reasonFor([ram, sections, end]), undefined);
});

for (const { what, steps, device, reason } of rows) {
  test(`refused: ${what}`, async () => {
    const said = await reasonFor(steps, device);
    assert.ok(said?.startsWith(reason), said);
  });
}
