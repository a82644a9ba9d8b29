import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { SystemClock } from '@godwit/clock';
import {
  type Channel,
  defaultPageDigests,
  defaultParameters,
  defaultTimeouts,
  ExecChannel,
  FileReadChannel,
  FileWriteChannel,
  IncomingMigration,
  OutgoingMigration,
  StreamChannel,
} from '../src/index.js';
import { TestMachine } from './test-machine.js';

const common = { clock: new SystemClock(), pageDigests: defaultPageDigests, timeouts: defaultTimeouts };
const devices = [{ id: 'nic0', model: 'nic' }];

function machines(t: TestContext): { source: TestMachine; destination: TestMachine } {
  const source = new TestMachine({ clock: common.clock, devices });
  const destination = new TestMachine({ clock: common.clock, devices, runState: 'inmigrate' });
  source.randomize();
  t.after(() => {
    source.close();
    destination.close();
  });
  return { source, destination };
}

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'godwit-one-way-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

const openDescriptors = () => readdirSync('/proc/self/fd').length;

async function save(machine: TestMachine, open: () => Promise<Channel>): Promise<OutgoingMigration> {
  const parameters = { ...defaultParameters, 'max-bandwidth': 0 };
  const outgoing = new OutgoingMigration({ ...common, machine, parameters });
  await outgoing.start(open);
  return outgoing;
}

async function load(machine: TestMachine, open: () => Promise<Channel>): Promise<IncomingMigration> {
  const incoming = new IncomingMigration({ ...common, machine });
  await incoming.start(open);
  return incoming;
}

test('a guest goes to a file and comes from it, from any offset on', async (t) => {
  for (const offset of [0, 4096]) {
    const { source, destination } = machines(t);
    const path = join(folder(t), 'guest');
    if (offset > 0) writeFileSync(path, 'what was there before');
    const before = openDescriptors();
    const outgoing = await save(source, () => FileWriteChannel.open(path, offset));
    assert.equal(outgoing.status, 'completed', outgoing.error?.message);
    assert.equal(source.runState, 'postmigrate');
    const incoming = await load(destination, () => FileReadChannel.open(path, offset));
    assert.equal(incoming.status, 'completed', incoming.error?.message);
    assert.ok(destination.arrived?.equals(source.contents()));
    assert.equal(destination.models[0]?.verify().errors, 0);
    if (offset > 0) assert.equal(readFileSync(path).toString('latin1', 0, 8), 'what was');
    // Files are closed by a thread of Node's own; it has some turns of the event loop to do so.
    for (let turn = 0; turn < 1000 && openDescriptors() > before; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(openDescriptors() <= before, 'a descriptor is left');
  }
});

test('a file that lacks its end is refused, and leaves the destination as it was', async (t) => {
  const { source, destination } = machines(t);
  const path = join(folder(t), 'guest');
  await save(source, () => FileWriteChannel.open(path));
  truncateSync(path, readFileSync(path).length - 10);
  const incoming = await load(destination, () => FileReadChannel.open(path));
  assert.equal(incoming.status, 'failed');
  assert.match(incoming.error?.message ?? '', /ends in the middle of a record/);
  assert.equal(destination.runState, 'inmigrate');
});

test('a full disk leaves the guest running', { skip: !existsSync('/dev/full') }, async (t) => {
  const { source } = machines(t);
  const outgoing = await save(source, () => FileWriteChannel.open('/dev/full'));
  assert.equal(outgoing.status, 'failed');
  assert.match(outgoing.error?.message ?? '', /^Unable to write to file: No space left on device$/);
  assert.ok(source.running);
});

test('a file that cannot be opened is an error before anything happens', async (t) => {
  const { source, destination } = machines(t);
  const path = join(folder(t), 'none', 'guest');
  assert.match((await save(source, () => FileWriteChannel.open(path))).error?.message ?? '', /ENOENT/);
  assert.match((await load(destination, () => FileReadChannel.open(path))).error?.message ?? '', /ENOENT/);
  assert.ok(source.running);
});

test('a guest goes through a program and comes from one', async (t) => {
  const { source, destination } = machines(t);
  const path = join(folder(t), 'guest');
  const outgoing = await save(source, () => ExecChannel.start(['/bin/sh', '-c', `cat > '${path}'`], 'write'));
  assert.equal(outgoing.status, 'completed', outgoing.error?.message);
  const incoming = await load(destination, () => ExecChannel.start(['/bin/cat', path], 'read'));
  assert.equal(incoming.status, 'completed', incoming.error?.message);
  assert.ok(destination.arrived?.equals(source.contents()));
});

test('a program that fails after it took everything leaves the guest running, and its complaint is the reason', async (t) => {
  const { source } = machines(t);
  const command = 'cat > /dev/null; echo "no room" >&2; exit 3';
  const outgoing = await save(source, () => ExecChannel.start(['/bin/sh', '-c', command], 'write'));
  assert.equal(outgoing.status, 'failed');
  assert.equal(outgoing.error?.message, "'/bin/sh' ended with status 3: no room");
  assert.ok(source.running);
});

test('a program that cannot be started is an error', async (t) => {
  const { source } = machines(t);
  const outgoing = await save(source, () => ExecChannel.start(['/no/such/program'], 'write'));
  assert.match(outgoing.error?.message ?? '', /ENOENT/);
  assert.ok(source.running);
});

test('a channel over any duplex stream carries a migration both ways', async (t) => {
  const { source, destination } = machines(t);
  const [left, right] = duplexPair();
  const incoming = new IncomingMigration({ ...common, machine: destination });
  const loading = incoming.start(new StreamChannel(right, 'socket'));
  const outgoing = await save(source, async () => new StreamChannel(left, 'socket'));
  assert.equal(outgoing.status, 'completed', outgoing.error?.message);
  assert.equal(await loading, 'completed');
  assert.equal(destination.runState, 'running');
});

/** Two streams of which each reads what is written to the other. */
function duplexPair(): [Duplex, Duplex] {
  const ends: Duplex[] = [0, 1].map(
    (index) =>
      new Duplex({
        read() {},
        write(chunk, _encoding, done) {
          ends[1 - index]!.push(Buffer.from(chunk));
          done();
        },
        final(done) {
          ends[1 - index]!.push(null);
          done();
        },
      }),
  );
  return [ends[0]!, ends[1]!];
}
