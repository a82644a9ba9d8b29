import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import {
  type CheckOptions,
  checkDevice,
  createModel,
  DeviceState,
  type DmaLogging,
  type MigratableDevice,
  MODELS,
  type ModelledDevice,
  NoDevice,
  type PropertyValue,
  RULES,
  reportText,
  VfioError,
} from '../src/index.js';
import { rig, seededRandom, TestMemory } from './rig.js';

const { RUNNING, STOP, STOP_COPY, RESUMING, PRE_COPY, ERROR } = DeviceState;
const WINDOW = { iova: 65536, length: 65536 };

/** Devices of a model that rewrite their memory and write to the guest, and what the kit needs to check them. */
function candidates(model: string, properties: Record<string, PropertyValue> = {}) {
  const clock = new VirtualClock();
  const memory = new TestMemory(1 << 20);
  const all = {
    'dirty-rate': '1M',
    'dma-rate': '1M',
    'dma-address': WINDOW.iova,
    'dma-size': WINDOW.length,
    ...properties,
  };
  let seed = 1;
  const options: CheckOptions = {
    run: (ms) => clock.advance(ms),
    dmaRange: { iova: 0, length: 1 << 20 },
    errorsOf: (device) => ('verify' in device ? (device as ModelledDevice).verify().errors : 0),
  };
  const make = () => rig(model, all, { clock, memory, seed: seed++ }).device;
  return { make, options, clock };
}

for (const model of MODELS.keys()) {
  for (const protocol of ['v2', 'v1']) {
    test(`${model} keeps every rule (${protocol})`, async () => {
      const { make, options, clock } = candidates(model, { protocol });
      const report = await checkDevice(make, options);
      assert.equal(report.failed, 0, reportText(model, report));
      assert.ok(report.passed >= 18);
      assert.equal(report.passed + report.skipped, RULES.length);
      assert.equal(clock.pendingTimers, 0);
    });
  }
}

for (const [p2p, preCopy] of [
  [false, true],
  [true, false],
  [false, false],
]) {
  test(`a device with P2P ${p2p} and PRE_COPY ${preCopy} keeps every rule`, async () => {
    const { make, options } = candidates('nic', { p2p: p2p!, 'pre-copy': preCopy! });
    const report = await checkDevice(make, options);
    assert.equal(report.failed, 0, reportText('nic', report));
  });
}

/** A device that does everything as the one inside of it, but for what a test breaks. */
class Deputy implements MigratableDevice {
  readonly inner: MigratableDevice;
  readonly dmaLogging: DmaLogging;

  constructor(inner: MigratableDevice, dmaLogging = inner.dmaLogging) {
    this.inner = inner;
    this.dmaLogging = dmaLogging;
  }

  get flags() {
    return this.inner.flags;
  }

  get state() {
    return this.inner.state;
  }

  setState(wanted: DeviceState) {
    return this.inner.setState(wanted);
  }

  readData(into: Uint8Array) {
    return this.inner.readData(into);
  }

  writeData(from: Uint8Array) {
    return this.inner.writeData(from);
  }

  precopyInfo() {
    return this.inner.precopyInfo();
  }

  dataSize() {
    return this.inner.dataSize();
  }

  reset() {
    return this.inner.reset();
  }

  close() {
    this.inner.close();
  }
}

/** A device whose logging is that of the one inside, but for what a test breaks. */
class LoggingDeputy extends Deputy {
  constructor(inner: MigratableDevice, changes: (logging: DmaLogging) => Partial<DmaLogging>) {
    const logging = inner.dmaLogging;
    super(inner, {
      get active() {
        return logging.active;
      },
      start: (ranges, pageSize) => logging.start(ranges, pageSize),
      stop: () => logging.stop(),
      report: (iova, length, pageSize, bitmap) => logging.report(iova, length, pageSize, bitmap),
      ...changes(logging),
    });
  }
}

type Wrap = (inner: ModelledDevice) => MigratableDevice;

/** What is wrong with each device, and the rules that find it. */
const WRONG: readonly (readonly [string, readonly string[], Wrap, Record<string, PropertyValue>?])[] = [
  [
    'goes to running when it is asked to stop',
    ['arcs/reach', 'logging/stopped'],
    (inner) =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          await super.setState(wanted === STOP && this.state === RUNNING ? RUNNING : wanted);
        }
      })(inner),
  ],
  [
    'takes a state that it does not offer for running',
    ['arcs/not-offered'],
    (inner) =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          await super.setState(!this.flags.p2p && wanted === DeviceState.RUNNING_P2P ? RUNNING : wanted);
        }
      })(inner),
    { p2p: false },
  ],
  [
    'can be asked for the error state',
    ['arcs/error'],
    (inner) =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          if (wanted !== ERROR) await super.setState(wanted);
        }
      })(inner),
  ],
  [
    'goes back from stop-copy to pre-copy',
    ['arcs/no-way-back'],
    (inner) =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          if (this.state === STOP_COPY && wanted === PRE_COPY) await super.setState(RUNNING);
          await super.setState(wanted);
        }
      })(inner),
  ],
  [
    'opens the stream anew when it is asked for the present state',
    ['arcs/same'],
    (inner) =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          if (wanted === STOP_COPY && this.state === STOP_COPY) await super.setState(STOP);
          await super.setState(wanted);
        }
      })(inner),
  ],
  [
    'says the end while it runs',
    ['stream/closed', 'reset/streams'],
    (inner) =>
      new (class extends Deputy {
        override async readData(into: Uint8Array) {
          return this.state === RUNNING ? ({ kind: 'end' } as const) : super.readData(into);
        }
      })(inner),
  ],
  [
    'pauses in stop-copy instead of ending',
    ['stream/end'],
    (inner) =>
      new (class extends Deputy {
        override async readData(into: Uint8Array) {
          const result = await super.readData(into);
          return result.kind === 'end' ? ({ kind: 'empty' } as const) : result;
        }
      })(inner),
  ],
  [
    'goes on with its stream when it has left stop-copy',
    ['stream/closed', 'stream/ended'],
    (inner) =>
      new (class extends Deputy {
        override async readData(into: Uint8Array) {
          return this.state === STOP ? ({ kind: 'data', length: 1 } as const) : super.readData(into);
        }
      })(inner),
  ],
  [
    'ends the stream in pre-copy',
    ['stream/no-end-in-pre-copy'],
    (inner) =>
      new (class extends Deputy {
        override async readData(into: Uint8Array) {
          const result = await super.readData(into);
          return result.kind === 'empty' ? ({ kind: 'end' } as const) : result;
        }
      })(inner),
  ],
  [
    'starts a new stream in stop-copy',
    ['stream/kept'],
    (inner) =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          if (wanted === STOP_COPY) await super.setState(STOP);
          await super.setState(wanted);
        }
      })(inner),
  ],
  [
    'loses a byte of every read that is smaller than it likes',
    ['stream/chunks'],
    (inner) =>
      new (class extends Deputy {
        override async readData(into: Uint8Array) {
          if (into.length === 4093) await super.readData(new Uint8Array(1));
          return super.readData(into);
        }
      })(inner),
  ],
  [
    'does not know the size of its data',
    ['stream/data-size'],
    (inner) =>
      new (class extends Deputy {
        override async dataSize() {
          return this.state === STOP_COPY ? Number.NaN : super.dataSize();
        }
      })(inner),
  ],
  [
    'has pre-copy information in any state',
    ['pre-copy/info-elsewhere'],
    (inner) =>
      new (class extends Deputy {
        override async precopyInfo() {
          if (this.state === RUNNING) return { initialBytes: 0, dirtyBytes: 0, reinit: false };
          return super.precopyInfo();
        }
      })(inner),
  ],
  [
    'has no initial bytes',
    ['pre-copy/initial-bytes', 'pre-copy/starts-over'],
    (inner) =>
      new (class extends Deputy {
        override async precopyInfo() {
          return { ...(await super.precopyInfo()), initialBytes: 0 };
        }
      })(inner),
  ],
  [
    'is dirty from the start',
    ['pre-copy/dirty-bytes'],
    (inner) =>
      new (class extends Deputy {
        override async precopyInfo() {
          const info = await super.precopyInfo();
          return { ...info, dirtyBytes: info.dirtyBytes + 4096 };
        }
      })(inner),
  ],
  [
    'loses what it loaded',
    ['resuming/load'],
    (inner) =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          const wasResuming = this.state === RESUMING;
          await super.setState(wanted);
          if (wasResuming && wanted === STOP) await super.reset();
        }
      })(inner),
  ],
  [
    'swallows data that it cannot use',
    ['resuming/elsewhere', 'reset/streams'],
    (inner) =>
      new (class extends Deputy {
        override async writeData(from: Uint8Array) {
          if (this.state === RESUMING) await super.writeData(from);
        }
      })(inner),
  ],
  [
    'takes any stream for good',
    ['resuming/truncated', 'resuming/corrupt', 'resuming/surplus'],
    (inner) =>
      new (class extends Deputy {
        override async writeData(from: Uint8Array) {
          await super.writeData(from).catch((error) => {
            if (this.state !== RESUMING) throw error;
          });
        }

        override async setState(wanted: DeviceState) {
          const wasResuming = this.state === RESUMING;
          await super.setState(wanted).catch(async (error) => {
            if (!wasResuming) throw error;
            await this.reset();
            await super.setState(wanted);
          });
        }
      })(inner),
  ],
  [
    'logs whatever it is told to',
    ['logging/start'],
    (inner) => new LoggingDeputy(inner, () => ({ start: async () => {} })),
  ],
  [
    'logs ranges that end within a page',
    ['logging/start'],
    (inner) =>
      new LoggingDeputy(inner, (logging) => ({
        start: async (ranges, pageSize) => {
          const whole = ranges.map(({ iova, length }) => ({ iova, length: length - (length % 4096) }));
          await logging.start(whole, pageSize);
        },
      })),
  ],
  [
    'reports while logging is off',
    ['logging/report'],
    (inner) =>
      new LoggingDeputy(inner, (logging) => ({
        report: async (...args) => {
          if (logging.active) await logging.report(...args);
        },
      })),
  ],
  [
    'reports the same pages again and again',
    ['logging/clears', 'logging/stopped'],
    (inner) =>
      new LoggingDeputy(inner, (logging) => ({
        report: async (iova, length, pageSize, bitmap) => {
          await logging.report(iova, length, pageSize, bitmap);
          bitmap[0] = 1;
        },
      })),
  ],
  [
    'stays where it was when it is reset',
    ['reset/running', 'reset/streams', 'resuming/truncated', 'resuming/corrupt', 'resuming/surplus'],
    (inner) =>
      new (class extends Deputy {
        override async reset() {}
      })(inner),
  ],
  [
    'keeps its stream open over a reset',
    ['reset/streams'],
    (inner) =>
      new (class extends Deputy {
        #wasSaving = false;

        override async reset() {
          this.#wasSaving = this.state === STOP_COPY;
          await super.reset();
        }

        override async readData(into: Uint8Array) {
          return this.#wasSaving && this.state === RUNNING
            ? ({ kind: 'data', length: 1 } as const)
            : super.readData(into);
        }
      })(inner),
  ],
];

for (const [what, expected, wrap, properties] of WRONG) {
  test(`a device that ${what} is found out`, async () => {
    const { make, options } = candidates('nic', properties);
    const report = await checkDevice(() => wrap(make()), {
      ...options,
      errorsOf: (device) => ((device as Deputy).inner as ModelledDevice).verify().errors,
    });
    const failed = report.results.filter((result) => result.outcome === 'failed').map((result) => result.id);
    for (const id of expected) assert.ok(failed.includes(id), `${id} is not among ${failed.join(', ')}`);
    for (const result of report.results) {
      if (result.outcome === 'failed')
        assert.ok((result.message ?? '').length > 0 && result.source.length > 0);
    }
  });
}

test('every rule finds at least one of the wrong devices', () => {
  const found = new Set(WRONG.flatMap(([, ids]) => ids));
  assert.deepEqual(
    RULES.map((rule) => rule.id).filter((id) => !found.has(id)),
    [],
  );
});

test('a device that never answers fails in time', async () => {
  const clock = new VirtualClock();
  const checked = checkDevice(
    () =>
      new (class extends Deputy {
        override setState(): Promise<void> {
          return new Promise(() => {});
        }
      })(rig('crypto').device),
    { limit: { clock, ms: 1000 } },
  );
  let done = false;
  void checked.then(() => {
    done = true;
  });
  await clock.advanceUntil(() => done, 60_000, 1000);
  const report = await checked;
  assert.ok(report.failed > 10);
  const messages = report.results.filter(({ outcome }) => outcome === 'failed').map(({ message }) => message);
  assert.match(
    messages[0]!,
    /^setState\(.*\) in running does not return: the rule takes longer than 1000 ms$/,
  );
  for (const message of messages.slice(1)) assert.match(message!, / longer than 100 ms$/);
  assert.equal(clock.pendingTimers, 0);
});

test('a report reads as a list of rules with what was wrong and where it is written', async () => {
  const environment = { clock: new VirtualClock(), random: seededRandom(3) };
  const report = await checkDevice(() =>
    createModel('block', { 'state-size': 4096, capacity: 0, 'fail-read-at': 100 }, environment),
  );
  const text = reportText('block', report);
  assert.match(text, /^block: STOP_COPY\n/);
  assert.match(
    text,
    /\nFAIL stream\/end +in stop-copy .*\n {5}readData in stop-copy: EIO: the data stream fails at byte 100\n {5}source: linux\/vfio\.h/,
  );
  assert.match(text, /\n\d+ passed, \d+ failed, \d+ skipped$/);
});

test('a rule that costs the device its server fails; those that find no device then are skipped', async () => {
  let gone = false;
  const factory = () => {
    if (gone) throw new NoDevice('the server is gone');
    const device = createModel(
      'block',
      { 'state-size': 4096 },
      { clock: new VirtualClock(), random: seededRandom(3) },
    );
    const deputy = new Deputy(device);
    deputy.reset = async () => {
      gone = true;
      throw new VfioError('EIO', 'the server has died');
    };
    return deputy;
  };
  const report = await checkDevice(factory);
  const { results } = report;
  const first = results.findIndex(({ outcome }) => outcome === 'failed');
  assert.match(results[first]?.message ?? '', /^reset in .*: EIO: the server has died$/);
  const after = results.slice(first + 1);
  assert.ok(after.length > 0);
  for (const { id, outcome } of after) assert.equal(outcome, 'skipped', id);
  const text = reportText('block', report);
  assert.match(text, /\(the server is gone\)/);
  assert.match(text, /not shown again \(no memory to write to is given\)/);
});

test('a rule that finds no second device, after what it did to the first, fails', async () => {
  let devices = 0;
  const factory = () => {
    if (devices++ > 1) throw new NoDevice('the server is gone');
    return createModel(
      'block',
      { 'state-size': 4096 },
      { clock: new VirtualClock(), random: seededRandom(3) },
    );
  };
  const { results } = await checkDevice(factory);
  assert.deepEqual(
    results.slice(0, 2).map(({ id, outcome, message }) => [id, outcome, message]),
    [
      ['arcs/reach', 'failed', 'the server is gone'],
      ['arcs/not-offered', 'skipped', 'the server is gone'],
    ],
  );
});

test('what a failing arc keeps from being checked is said to be skipped for it', async () => {
  const environment = { clock: new VirtualClock(), random: seededRandom(3) };
  const { results } = await checkDevice(() =>
    createModel('block', { 'state-size': 4096, 'fail-arc': 'stop->stop-copy' }, environment),
  );
  assert.deepEqual(
    results.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id),
    ['arcs/reach'],
  );
  const { outcome, message } = results.find(({ id }) => id === 'stream/end')!;
  assert.deepEqual([outcome, message], ['skipped', 'it cannot begin, for what fails in arcs/reach']);
});

test('a fault that several rules meet on their way is blamed on the one that it is about', async () => {
  const { make, options } = candidates('nic');
  const { results } = await checkDevice(
    () =>
      new (class extends Deputy {
        override async readData(into: Uint8Array) {
          const result = await super.readData(into);
          return result.kind === 'end' ? ({ kind: 'empty' } as const) : result;
        }
      })(make()),
    { ...options, errorsOf: () => 0 },
  );
  assert.deepEqual(
    results.filter(({ outcome }) => outcome === 'failed').map(({ id, message }) => [id, message]),
    [['stream/end', 'in stop-copy the stream pauses instead of ending']],
  );
  // Also a rule that comes before it.
  const { outcome, message } = results.find(({ id }) => id === 'arcs/reach')!;
  assert.deepEqual([outcome, message], ['skipped', 'it cannot begin, for what fails in stream/end']);
});

test('what a device throws is told with what it was asked', async () => {
  const { make, options } = candidates('nic');
  const { results } = await checkDevice(
    () =>
      new (class extends Deputy {
        override async setState(wanted: DeviceState) {
          if (this.state === RESUMING) throw new VfioError('EINVAL', 'the stream is short');
          await super.setState(wanted);
        }
      })(make()),
    { ...options, errorsOf: () => 0 },
  );
  const load = results.find(({ id }) => id === 'resuming/load');
  assert.equal(load?.message, 'setState(stop) in resuming: EINVAL: the stream is short');
});
