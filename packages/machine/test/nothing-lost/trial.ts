import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@godwit/clock';
import { DeviceState, type ModelledDevice, type PropertyValue } from '@godwit/vfio';
import { createTestMachine, device, execute, type TestMachine } from '../support/test-machine.js';
import { type ServedModel, serveModel } from '../vfio-user/served-model.js';
import type { Fault, FuzzedDevice, Side, Way } from './fault.js';
import { Relay } from './relay.js';

const MIB = 1024 ** 2;
const ENDED = ['completed', 'failed', 'cancelled'];
/** When a client loses patience, and when a trial does; virtual milliseconds. */
const PATIENCE_MS = 3000;
const LIMIT_MS = 600_000;

/**
 * Migrates a machine to another one, both in this process, while something goes wrong; whatever it was, one guest runs
 * and finds itself whole. Where a source goes on and nothing stays broken, it is migrated again.
 * @throws AssertionError when that is not so, or something is left
 */
export async function runTrial(fault: Fault, devices: readonly FuzzedDevice[], way: Way): Promise<void> {
  const descriptors = openDescriptors();
  const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
  const clock = new VirtualClock(1_700_000_000_000_000);
  const trial = await Trial.create(clock, folder, fault, devices, way);
  try {
    await trial.migrate();
    await trial.judge();
    if (trial.canBeRepeated) {
      await trial.repeat();
      await trial.judge();
      assert.equal(trial.guestIsAt, 'destination', trial.describe());
    }
  } finally {
    await trial.close();
  }
  assert.deepEqual(readdirSync(folder), [], 'files are left');
  rmSync(folder, { recursive: true });
  assert.equal(clock.pendingTimers, 0, 'timers are left');
  await clock.advanceUntil(() => openDescriptors() <= descriptors);
}

/** Who serves a device, by its id. */
type Servers = Readonly<Record<Side, Map<string, ServedModel>>>;

class Trial {
  readonly #clock: VirtualClock;
  readonly #fault: Fault;
  readonly #relayPath: string;
  readonly #targetPath: string;
  readonly #source: TestMachine;
  readonly #destination: TestMachine;
  readonly #served: Servers;
  #relay: Relay | undefined;
  #joinedBefore = 0;
  #patience: { cancel(): void } | undefined;

  static async create(
    clock: VirtualClock,
    folder: string,
    fault: Fault,
    devices: readonly FuzzedDevice[],
    { capabilities, channels }: Way,
  ): Promise<Trial> {
    const served: Servers = { source: new Map(), destination: new Map() };
    const options = (side: Side) => ({
      clock,
      // A file has one channel, and nothing comes back from it.
      capabilities: ['events', ...(fault.kind === 'disk-full' ? [] : capabilities)],
      memory: 2 * MIB,
      accelerator: { dirtyRate: MIB, workingSet: 256 * 1024, fill: true },
      devices: devices.map(({ remote, properties }, index) => {
        const id = `d${index}`;
        const harm =
          fault.kind === 'device' && fault.side === side && fault.index % devices.length === index
            ? fault.properties
            : {};
        const all: Record<string, PropertyValue> = { 'state-size': 32 * 1024, ...properties, ...harm };
        if (!remote) return device(id, all);
        const path = join(folder, `${side}-${id}`);
        const { model, ...rest } = all;
        served[side].set(id, serveModel(path, clock, { model: String(model), properties: rest }));
        return { type: 'vfio-user-pci', id, properties: { socket: path, 'migration-events': true } };
      }),
    });
    const source = await createTestMachine(options('source'));
    const creating = createTestMachine({ ...options('destination'), incoming: 'defer' });
    // A destination stops its devices first, and they may take their time.
    const destination = await inTime(clock, creating);
    for (const machine of [source, destination]) {
      await execute(machine, 'migrate-set-parameters', { 'multifd-channels': channels });
    }
    return new Trial(clock, folder, fault, source, destination, served);
  }

  private constructor(
    clock: VirtualClock,
    folder: string,
    fault: Fault,
    source: TestMachine,
    destination: TestMachine,
    served: Servers,
  ) {
    this.#served = served;
    this.#clock = clock;
    this.#fault = fault;
    this.#relayPath = join(folder, 'relay');
    this.#targetPath = join(folder, 'migration');
    this.#source = source;
    this.#destination = destination;
  }

  get guestIsAt(): Side {
    return this.#destination.machine.guest.running ? 'destination' : 'source';
  }

  /** The source goes on, the destination waits, and nothing is wrong with either. */
  get canBeRepeated(): boolean {
    if (['device', 'gone', 'server'].includes(this.#fault.kind)) return false;
    const { guest } = this.#destination.machine;
    return this.guestIsAt === 'source' && guest.runState === 'inmigrate';
  }

  describe(): string {
    const sides = [this.#source, this.#destination].map(
      ({ machine, events, warnings }) =>
        `${machine.guest.runState} [${events.join(', ')}] ${warnings.join('; ')}`,
    );
    return sides.join('\n');
  }

  async migrate(): Promise<void> {
    const fault = this.#fault;
    await this.#clock.advance(50);
    if (fault.kind === 'server') {
      const servers = [...this.#served[fault.side].values()];
      servers[fault.index % servers.length]?.failAfter(fault.after, fault.harm);
    }
    await this.#begin();
    switch (fault.kind) {
      case 'cancel':
        this.#after(fault.after, () => execute(this.#source, 'migrate_cancel'));
        break;
      case 'stop-and-cont':
        this.#after(fault.after, () => execute(this.#source, 'stop'));
        this.#after(fault.after + fault.pause, () => this.#continueSource());
        break;
      case 'gone':
        this.#after(fault.after, () => this.#machine(fault.side).machine.migrations.close());
    }
    await this.#follow();
  }

  async repeat(): Promise<void> {
    this.#relay?.heal();
    for (const { events } of [this.#source, this.#destination]) events.length = 0;
    await this.#begin(true);
    await this.#follow();
  }

  /** One guest runs, or can be continued where nothing stands against it, and finds itself whole. */
  async judge(): Promise<void> {
    const { guest: here } = this.#source.machine;
    const { guest: there } = this.#destination.machine;
    const status = this.#source.machine.migrations.info().status;
    if (here.runState === 'postmigrate') {
      assert.ok(!here.running && there.runState !== 'inmigrate', this.describe());
      if (!there.running) await execute(this.#destination, 'cont');
      await this.#assertWhole(this.#destination);
      return;
    }
    assert.notEqual(status, 'completed', this.describe());
    // A destination that lost its source after LOADED has everything, and leaves it to its client who runs it.
    assert.ok(!there.running, this.describe());
    if (!here.running) await execute(this.#source, 'cont');
    await this.#assertWhole(this.#source);
  }

  async close(): Promise<void> {
    this.#patience?.cancel();
    await this.#source.close();
    await this.#destination.close();
    await this.#relay?.close();
    for (const servers of Object.values(this.#served)) {
      for (const server of servers.values()) {
        server.close();
        server.model.close();
      }
    }
  }

  #machine(side: Side): TestMachine {
    return side === 'source' ? this.#source : this.#destination;
  }

  async #begin(again = false): Promise<void> {
    if (this.#fault.kind === 'disk-full' && !again) {
      await execute(this.#source, 'migrate', { uri: 'file:/dev/full' });
      return;
    }
    if (this.#destination.machine.migrations.info().status !== 'setup') {
      await execute(this.#destination, 'migrate-incoming', {
        uri: `unix:${this.#targetPath}`,
        'exit-on-error': false,
      });
    }
    this.#relay ??= await Relay.listen(this.#relayPath, this.#targetPath, this.#fault);
    this.#joinedBefore = this.#relay.joined;
    const parameters = again
      ? { 'max-bandwidth': 0, 'downtime-limit': 1000 }
      : { 'max-bandwidth': 8 * MIB, 'downtime-limit': 30 };
    await execute(this.#source, 'migrate-set-parameters', parameters);
    await execute(this.#source, 'migrate', { uri: `unix:${this.#relayPath}` });
  }

  /** Until both sides have come to an end. Never do both run. */
  async #follow(): Promise<void> {
    const { machine: source } = this.#source;
    const { machine: destination } = this.#destination;
    this.#patience?.cancel();
    this.#patience = this.#clock.setTimer(() => source.migrations.cancel(), PATIENCE_MS);
    const end = this.#clock.now() + LIMIT_MS;
    const hasEnded = (status: string | undefined) => status === undefined || ENDED.includes(status);
    for (let step = 0; ; step++) {
      assert.ok(!(source.guest.running && destination.guest.running), `two guests run\n${this.describe()}`);
      await this.#recover();
      const ended = hasEnded(source.migrations.info().status) && source.guest.runState !== 'finish-migrate';
      if (ended && this.#destinationEnded) break;
      assert.ok(this.#clock.now() < end, `the migration does not end\n${this.describe()}`);
      // What is not over after two seconds waits for a time to run out.
      await this.#clock.advance(step < 2000 ? 1 : 50);
    }
    await this.#clock.advance(200);
  }

  /** With recovery a broken connection ends nothing: both wait for another one, or to be told that there is none. */
  async #recover(): Promise<void> {
    const waits = ({ machine }: TestMachine) => machine.migrations.info().status === 'postcopy-paused';
    if (!waits(this.#destination)) return;
    const status = this.#source.machine.migrations.info().status;
    if (waits(this.#source)) {
      const uri = `unix:${this.#targetPath}-again`;
      await execute(this.#destination, 'migrate-recover', { uri });
      await execute(this.#source, 'migrate', { uri, resume: true });
    } else if (status === undefined || ENDED.includes(status)) {
      await execute(this.#destination, 'migrate_cancel');
    }
  }

  get #destinationEnded(): boolean {
    const { status } = this.#destination.machine.migrations.info();
    if (status === undefined || ENDED.includes(status)) return true;
    // The source gave up before it was connected.
    return status === 'setup' && this.#relay?.joined === this.#joinedBefore;
  }

  async #assertWhole(machine: TestMachine): Promise<void> {
    const { guest, hardware } = machine.machine;
    assert.ok(guest.running, this.describe());
    const before = hardware.accelerator.report().pagesWritten;
    // A device whose server hangs holds a vCPU up until it is given up.
    await this.#clock.advanceUntil(() => hardware.accelerator.report().pagesWritten > before);
    const { pages: _, ...findings } = await inTime(this.#clock, hardware.audit());
    assert.deepEqual(findings, { lost: 0, torn: 0, repeated: 0 }, this.describe());
    const served = this.#served[machine === this.#source ? 'source' : 'destination'];
    for (const { id, device: each, path, failure } of hardware.devices) {
      // Its server is gone, and the guest runs on without it.
      if (failure !== undefined) continue;
      assert.equal(each.state, DeviceState.RUNNING, path);
      assert.equal(each.dmaLogging.active, false, path);
      assert.equal((served.get(id)?.model ?? (each as ModelledDevice)).verify().errors, 0, path);
    }
    // A device that failed was reset, which the guest notices.
    if (this.#fault.kind === 'device' || this.#fault.kind === 'server') return;
    const { lost, torn, repeated, deviceFaults } = hardware.accelerator.report();
    assert.deepEqual(
      { lost, torn, repeated, deviceFaults },
      { lost: 0, torn: 0, repeated: 0, deviceFaults: 0 },
    );
  }

  /** As a client does that knows where its guest is. */
  async #continueSource(): Promise<void> {
    if (this.#source.machine.guest.runState === 'paused') await execute(this.#source, 'cont');
  }

  #after(ms: number, strike: () => Promise<unknown>): void {
    // It may come too late for what it does.
    this.#clock.setTimer(() => void strike().catch(() => {}), ms);
  }
}

/** What a promise settles with, while time passes. */
async function inTime<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let settled = false;
  const done = promise.finally(() => {
    settled = true;
  });
  // Whoever awaits it below is told; until then the rejection is nobody's.
  done.catch(() => {});
  await clock.advanceUntil(() => settled);
  return done;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
