import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, delay } from '@godwit/clock';
import { type MachineClient, MachineProcess } from '../src/demo/machine-process.js';
import { guestIsReady, guestIsWhole, pagesWritten, verify } from '../src/demo/verification.js';
import { changesStream, type Fault } from './fault.js';
import { FaultyProxy } from './faulty-proxy.js';
import type { Random } from './random.js';
import type { RecoveryStep } from './recovery.js';

export interface TrialEnvironment {
  readonly clock: Clock;
  /** Under which a private folder is made. */
  readonly temporaryFolder: string;
  /** Additional channels (multifd); default 0, none. */
  readonly channels?: number;
  /** Both sides keep a migration whose connection breaks, and this happens to it then, one step for each break. */
  readonly recovery?: readonly RecoveryStep[];
}

/** How a trial ended, in the words that a report counts. */
export interface Verdict {
  /** What the source said of the migration in the end; undefined where it was dead. */
  readonly status: string | undefined;
  /** Where the guest is now; undefined where nobody was told to run it. */
  readonly guest: 'source' | 'destination' | undefined;
}

const GODWIT = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));
const WAITING = 'postcopy-paused';
const ENDED: readonly (string | undefined)[] = ['completed', 'failed', 'cancelled'];
const LIMIT_MS = 60_000;
/** When a client loses patience. */
const PATIENCE_MS = 2000;
const STATE_SIZE = 1 << 20;
export const RAM_BYTES = 24 << 20;

const DEVICES = [
  'model=nic,dirty-rate=1M,dma-rate=2M',
  'model=gpu,dirty-rate=2M',
  'model=crypto,p2p=on',
  'model=nic,pre-copy=off,dma-rate=1M',
] as const;

/** Devices without P2P go alone. */
const LONE_DEVICES = [
  'model=block',
  'model=gpu,protocol=v1,dirty-rate=2M',
  'model=crypto,protocol=v1',
] as const;

/** One to four devices that can go together. */
export function anyDevices(random: Random): string[] {
  if (random.below(4) === 0) return [random.pick(LONE_DEVICES)];
  const first = random.below(DEVICES.length);
  return Array.from(
    { length: 1 + random.below(4) },
    (_, index) => DEVICES[(first + index) % DEVICES.length]!,
  );
}

/**
 * Migrates a guest between two processes while something goes wrong, and checks that nothing is lost: one guest runs
 * and finds itself whole, or none was told to.
 * @throws AssertionError when that is not so
 */
export async function runTrial(
  fault: Fault,
  devices: readonly string[],
  environment: TrialEnvironment,
): Promise<Verdict> {
  const folder = await mkdtemp(join(environment.temporaryFolder, 'godwit-fuzz-'));
  const before = openSockets();
  const trial = new Trial(fault, devices, environment, folder);
  try {
    return await trial.run();
  } finally {
    await trial.close();
    await rm(folder, { recursive: true });
    await trial.until(() => openSockets() <= before, 'sockets to machines are left');
  }
}

class Trial {
  readonly #fault: Fault;
  readonly #devices: readonly string[];
  readonly #clock: Clock;
  readonly #folder: string;
  readonly #channels: number;
  /** Those that are still to come; undefined where nothing is to be taken up. */
  readonly #recovery: RecoveryStep[] | undefined;
  readonly #machines: MachineProcess[] = [];
  readonly #proxies: FaultyProxy[] = [];
  #connections = 0;
  /** Somebody's process was killed. */
  #killed = false;

  constructor(
    fault: Fault,
    devices: readonly string[],
    { clock, channels = 0, recovery }: TrialEnvironment,
    folder: string,
  ) {
    this.#recovery = recovery === undefined ? undefined : [...recovery];
    this.#fault = fault;
    this.#devices = devices;
    this.#clock = clock;
    this.#folder = folder;
    this.#channels = channels;
  }

  async run(): Promise<Verdict> {
    const fault = this.#fault;
    const [source, destination] = await Promise.all([
      this.#start('source', []),
      this.#start('destination', ['-incoming', 'defer']),
    ]);
    await this.until(() => guestIsReady(source.client), 'the guest does not get ready');
    const descriptors = openDescriptors(source.pid);
    const written = await pagesWritten(source.client);
    await this.#migrate(source.client, destination.client);
    const strike =
      fault.kind === 'kill'
        ? this.#after(fault.after, () => this.#kill(fault.side))
        : fault.kind === 'cancel'
          ? this.#after(fault.after, () => source.client.execute('migrate_cancel'))
          : undefined;
    await this.#follow(source, destination);
    await strike;
    return await this.#judge(source, destination, written, descriptors);
  }

  async close(): Promise<void> {
    await Promise.all(this.#machines.map((machine) => machine.close()));
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
    for (const { pid } of this.#machines) assert.ok(!existsSync(`/proc/${pid}`), `process ${pid} is left`);
    // One that was killed cannot remove its own sockets.
    if (!this.#killed) {
      assert.deepEqual(readdirSync(this.#folder), [], 'files are left');
    }
  }

  async until(condition: () => boolean | Promise<boolean>, complaint: string): Promise<void> {
    const giveUpAt = this.#clock.now() + LIMIT_MS;
    while (!(await condition())) {
      assert.ok(this.#clock.now() < giveUpAt, complaint);
      await delay(this.#clock, 10);
    }
  }

  async #start(name: 'source' | 'destination', more: readonly string[]): Promise<MachineProcess> {
    const fault = this.#fault;
    const faulty =
      fault.kind === 'device' && fault.side === name
        ? `,fail-arc=${fault.arc},fail-leaves=${fault.leaves}`
        : '';
    const path = join(this.#folder, `${name}.qmp`);
    const machine = new MachineProcess(
      GODWIT,
      name,
      [
        ...['-m', `${RAM_BYTES >> 10}K`, '-smp', '2', '-accel', 'sim,dirty-rate=16M,fill=on'],
        ...['-qmp', `unix:${path},server=on,wait=off`],
        ...this.#devices.flatMap((device, index) => [
          '-device',
          `vfio-model,id=d${index},state-size=${STATE_SIZE},migration-events=on,${device}${index === 0 ? faulty : ''}`,
        ]),
        ...more,
      ],
      this.#clock,
    );
    this.#machines.push(machine);
    await machine.connect(path, new AbortController().signal);
    return machine;
  }

  async #migrate(source: MachineClient, destination: MachineClient): Promise<void> {
    if (this.#fault.kind === 'disk-full') {
      await source.execute('migrate', { uri: 'file:/dev/full' });
      return;
    }
    const capabilities = [
      { capability: 'multifd', state: this.#channels > 0 },
      { capability: 'x-precopy-recovery', state: this.#recovery !== undefined },
    ] as const;
    for (const machine of [source, destination]) {
      await machine.execute('migrate-set-capabilities', { capabilities: [...capabilities] });
      await machine.execute('migrate-set-parameters', { 'multifd-channels': Math.max(1, this.#channels) });
    }
    const [listensAt, uri] = await this.#connection(this.#fault);
    await destination.execute('migrate-incoming', { uri: listensAt });
    await source.execute('migrate-set-parameters', { 'max-bandwidth': BigInt(64 << 20) });
    await source.execute('migrate', { uri });
  }

  /**
   * Where the destination is to listen, and where the source finds it with the fault between them. Where there is nothing
   * between them the destination copies RAM out of the source's memory.
   */
  async #connection(fault: Fault): Promise<[string, string]> {
    const number = this.#connections++;
    const listensAt = join(this.#folder, `migration${number}`);
    if (!changesStream(fault)) return [`unix:${listensAt}`, `unix:${listensAt}`];
    const proxyAt = join(this.#folder, `proxy${number}`);
    this.#proxies.push(await FaultyProxy.listen(proxyAt, listensAt, fault));
    return [`unix:${listensAt}`, `unix:${proxyAt}`];
  }

  /** Both sides wait for another connection: what is to happen next happens. */
  async #recover(source: MachineProcess, destination: MachineProcess): Promise<void> {
    const step = this.#recovery?.shift() ?? { kind: 'go-on', fault: { kind: 'none' } };
    if (step.kind === 'kill') return this.#kill(step.side);
    if (step.kind === 'cancel') {
      await unlessGone(source.client.execute('migrate_cancel'));
      return;
    }
    const [listensAt, uri] = await this.#connection('fault' in step ? step.fault : { kind: 'none' });
    if (step.kind === 'astray') {
      await destination.client.execute('migrate-recover', { uri: `${listensAt}-elsewhere` });
      await source.client.execute('migrate', { uri: `${listensAt}-nowhere`, resume: true });
      await this.until(async () => (await statusOf(source)) === WAITING, 'the source finds somebody');
    }
    await destination.client.execute('migrate-recover', { uri: listensAt });
    await source.client.execute('migrate', { uri, resume: true });
    if (step.kind === 'kill-later') await this.#after(step.after, () => this.#kill(step.side));
  }

  /** Nothing gets on: it is broken off, to go on elsewhere, or cancelled where that cannot be. */
  async #loseHope({ client }: MachineProcess): Promise<void> {
    if (this.#recovery !== undefined && (await unlessGone(client.execute('migrate-pause'))) !== undefined)
      return;
    await unlessGone(client.execute('migrate_cancel'));
  }

  #kill(side: 'source' | 'destination'): void {
    this.#killed = true;
    process.kill(this.#machine(side).pid, 'SIGKILL');
  }

  /** Until the source says how it ended, or is gone. Meanwhile there are never two guests that run. */
  async #follow(source: MachineProcess, destination: MachineProcess): Promise<void> {
    let patientUntil = this.#clock.now() + PATIENCE_MS;
    await this.until(async () => {
      // The destination is asked first: where it runs, the source must have stopped before.
      const there = await runState(destination);
      const here = await runState(source);
      assert.ok(!(there === 'running' && here === 'running'), 'the guest runs twice');
      const status = await statusOf(source);
      if (status === WAITING && (await statusOf(destination)) === WAITING) {
        await this.#recover(source, destination);
        patientUntil = this.#clock.now() + PATIENCE_MS;
      } else if (this.#clock.now() > patientUntil) {
        patientUntil = this.#clock.now() + PATIENCE_MS;
        await this.#loseHope(source);
      }
      return !source.alive || (ENDED.includes(status) && here !== 'finish-migrate');
    }, 'the migration does not end');
  }

  async #judge(
    source: MachineProcess,
    destination: MachineProcess,
    written: number,
    descriptors: number,
  ): Promise<Verdict> {
    // The destination has seen the end as soon as it runs, waits with all that it needs, or says that it failed.
    await this.until(async () => {
      if (!destination.alive) return true;
      const info = await unlessGone(destination.client.execute('query-migrate'));
      // One that can be taken up waits for that until somebody ends it.
      if (info?.status?.startsWith('postcopy'))
        await unlessGone(destination.client.execute('migrate_cancel'));
      return info === undefined || info.status === undefined || ENDED.includes(info.status);
    }, 'the destination does not notice the end');
    const status = await statusOf(source);
    const here = await runState(source);
    const there = await runState(destination);
    assert.ok(!(there === 'running' && here === 'running'), 'the guest runs twice');
    if (here === 'running') {
      assert.notEqual(status, 'completed');
      await this.#assertWhole(source.client, written);
      await this.until(
        () => openDescriptors(source.pid) <= descriptors,
        'descriptors of the source are left',
      );
      return { status, guest: 'source' };
    }
    if (there !== undefined && there !== 'inmigrate') {
      // Loaded, but nobody said that it may start: it is up to the client, which knows that the source is out of it.
      assert.ok(here === undefined || here === 'postmigrate', `the source is in ${here}`);
      if (there !== 'running') await destination.client.execute('cont');
      await this.#assertWhole(destination.client, written);
      return { status, guest: 'destination' };
    }
    assert.ok(this.#killed, `nobody runs the guest: ${here}, ${there}`);
    return { status, guest: undefined };
  }

  async #assertWhole(client: MachineClient, written: number): Promise<void> {
    await this.until(async () => (await pagesWritten(client)) > written + 10, 'the guest does not get on');
    const verification = await verify(client, written);
    assert.ok(guestIsWhole(verification, true), JSON.stringify(verification));
    assert.equal(verification.deviceFaults, 0);
    assert.equal(verification.devices.length, this.#devices.length);
    for (const { qomPath, errors, dmaErrors } of verification.devices) {
      assert.equal(errors + dmaErrors, 0, JSON.stringify(verification));
      const state = await client.execute('qom-get', { path: qomPath, property: 'migration-state' });
      assert.equal(state, 'running', qomPath);
    }
  }

  async #after(ms: number, strike: () => unknown): Promise<void> {
    await delay(this.#clock, ms);
    try {
      await strike();
    } catch {
      // It is gone already.
    }
  }

  #machine(side: 'source' | 'destination'): MachineProcess {
    return this.#machines.find(({ name }) => name === side)!;
  }
}

function openDescriptors(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Of this process: what leads to machines. Node opens other descriptors when it first needs them, and keeps them. */
function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      // The descriptor by which the folder was read.
      return false;
    }
  }).length;
}

async function runState({ client }: MachineProcess): Promise<string | undefined> {
  return (await unlessGone(client.execute('query-status')))?.status;
}

async function statusOf({ client }: MachineProcess): Promise<string | undefined> {
  return (await unlessGone(client.execute('query-migrate')))?.status;
}

/** What a machine answers; undefined when it has gone meanwhile. */
async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch {
    return undefined;
  }
}
