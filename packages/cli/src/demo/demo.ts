import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, delay } from '@godwit/clock';
import { QmpDisconnectedError } from '@godwit/qmp';
import {
  applyEvent,
  emptyTimeline,
  guestOutage,
  lengthOf,
  type Side,
  TIMELINE_EVENTS,
  type Timeline,
} from '@godwit/timeline';
import { showOutcome } from '../report/outcome-view.js';
import type { MigrationOutcome, Progress } from '../report/progress.js';
import type { Screen } from '../report/screen.js';
import { formatBytes } from '../report/size.js';
import { DeviceProcess } from './device-process.js';
import { migrateLive } from './live-migration.js';
import { type MachineClient, MachineProcess } from './machine-process.js';
import type { DemoOptions } from './options.js';
import { ProgressView } from './progress-view.js';
import { type DemoResult, demoResult } from './result.js';
import {
  devicesAreWhole,
  guestIsReady,
  guestIsWhole,
  pagesWritten,
  type Verification,
  verify,
} from './verification.js';
import { showVerification } from './verification-view.js';

/** How long the guest runs before it is moved, and on the destination before it is asked, in milliseconds. */
const RUN_MS = 500;
/** How long after its connection a machine's process may end, in milliseconds. */
const ENDING_MS = 1000;
const READY_LIMIT_MS = 60_000;
const MIGRATION_LIMIT_MS = 60_000;
const PAGE_SIZE = 4096;
const DEVICES = ['nic', 'gpu'] as const;
type Model = (typeof DEVICES)[number];
/** What each device does by itself. */
const ACTIVITY: Readonly<Record<Model, string>> = {
  nic: 'dirty-rate=1M,dma-rate=8M',
  gpu: 'dirty-rate=4M',
};

export interface DemoEnvironment {
  readonly clock: Clock;
  /** The script that is the command `godwit`, for the machines to be run by. */
  readonly godwit: string;
  readonly screen: Screen;
  /** Bytes of memory that the host can still give. */
  readonly availableMemory: number;
  /** Under which a private folder is made. */
  readonly temporaryFolder: string;
  /** Why the addon is missing, if it is. */
  readonly nativeUnavailableReason: string | undefined;
  /** Ends the demo early; everything is cleaned up first. */
  readonly signal: AbortSignal;
  /** How often progress is asked for, in milliseconds; default 100. */
  readonly pollMs?: number;
  /** Told beside the screen. */
  readonly onProgress?: (progress: Progress) => void;
}

/** Migrates a guest between two machine processes. Whatever happens, neither they nor their folder are left behind. */
export async function runDemo(options: DemoOptions, environment: DemoEnvironment): Promise<DemoResult> {
  checkMemory(options, environment);
  const folder = await mkdtemp(join(environment.temporaryFolder, 'godwit-demo-'));
  const machines: MachineProcess[] = [];
  const devices: DeviceProcess[] = [];
  try {
    return await new Demo(options, environment, folder, machines, devices).run();
  } finally {
    environment.screen.clear();
    await Promise.all(machines.map((machine) => machine.close()));
    await Promise.all(devices.map((device) => device.close()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** The guest fills its RAM, and both machines have all of it in the end. */
function checkMemory({ ram, deviceState }: DemoOptions, { availableMemory }: DemoEnvironment): void {
  const needed = 2 * (ram + deviceState.nic + deviceState.gpu);
  if (needed <= availableMemory) return;
  throw new Error(
    `two machines need ${formatBytes(needed)} of memory, and there are ${formatBytes(availableMemory)}; see --ram`,
  );
}

class Demo {
  readonly #options: DemoOptions;
  readonly #environment: DemoEnvironment;
  readonly #folder: string;
  readonly #machines: MachineProcess[];
  readonly #devices: DeviceProcess[];
  #timeline: Timeline = emptyTimeline();

  constructor(
    options: DemoOptions,
    environment: DemoEnvironment,
    folder: string,
    machines: MachineProcess[],
    devices: DeviceProcess[],
  ) {
    this.#options = options;
    this.#environment = environment;
    this.#folder = folder;
    this.#machines = machines;
    this.#devices = devices;
  }

  async run(): Promise<DemoResult> {
    const { screen } = this.#environment;
    this.#announce();
    const [source, destination] = await Promise.all([
      this.#start('source', []),
      this.#start('destination', ['-incoming', 'defer']),
    ]);
    for (const { name, pid } of [...this.#machines, ...this.#devices]) {
      screen.print(`  ${name.padEnd(16)}  process ${pid}`);
    }
    try {
      return await this.#migrate(screen, source, destination);
    } catch (error) {
      throw await this.#explain(error);
    }
  }

  /** A connection that was lost tells little; why its machine ended tells more. */
  async #explain(error: unknown): Promise<unknown> {
    if (!(error instanceof QmpDisconnectedError) || this.#environment.signal.aborted) return error;
    const ends = this.#machines.map((machine) => machine.ended());
    return Promise.race([...ends, delay(this.#environment.clock, ENDING_MS).then(() => error)]);
  }

  async #migrate(screen: Screen, source: MachineClient, destination: MachineClient): Promise<DemoResult> {
    const { clock, signal, pollMs = 100, onProgress } = this.#environment;
    const { transport, bandwidth, downtimeLimit } = this.#options;
    await this.#untilReady(source);
    const writtenAtFirst = await pagesWritten(source);
    const runFrom = clock.now();
    await delay(clock, RUN_MS);
    const written = ((await pagesWritten(source)) - writtenAtFirst) * PAGE_SIZE;
    const rate = (written / (clock.now() - runFrom)) * 1000;
    screen.print(
      `the guest runs and writes ${formatBytes(rate)}/s; migrating over ${transport}${bandwidth === 0 ? '' : ` at ${formatBytes(bandwidth)}/s`}`,
      '',
    );
    const progress = new ProgressView(screen);
    // What the machines reported of their start is no part of the migration.
    this.#timeline = emptyTimeline();
    const outcome = await migrateLive({
      source,
      destination,
      listenAt: this.#listenAt(),
      bandwidth,
      downtimeLimit,
      clock,
      limitMs: this.#migrationLimitMs(),
      signal,
      pollMs,
      onProgress: (now) => {
        progress.show(now);
        onProgress?.(now);
      },
    });
    if (outcome.progress.status === 'completed') await this.#untilArrived(destination);
    showOutcome(screen, outcome, this.#timeline, downtimeLimit);
    if (outcome.progress.status !== 'completed') {
      await this.#tellWhatIsLeft(source);
      return this.#result(outcome, undefined);
    }
    const before = await pagesWritten(source);
    await delay(clock, RUN_MS);
    const verification = await verify(destination, before);
    const result = this.#result(outcome, verification);
    const names = new Map(outcome.progress.devices.map(({ qomPath, id }) => [qomPath, id]));
    showVerification(screen, verification, names, result.verified);
    return result;
  }

  /** After a migration that did not complete: where the guest is, and which machine is gone. */
  async #tellWhatIsLeft(source: MachineClient): Promise<void> {
    const { screen } = this.#environment;
    const { running, status } = await source.execute('query-status');
    screen.print(running ? 'the guest runs on, on the source' : `the guest is with the source, ${status}`);
    for (const machine of this.#machines) if (!machine.alive) screen.print((await machine.ended()).message);
  }

  #announce(): void {
    const { screen, nativeUnavailableReason } = this.#environment;
    const { ram, dirtyRate, deviceState } = this.#options;
    screen.print(
      screen.paint('godwit demo', 'bold'),
      `a guest with ${formatBytes(ram)} of RAM, whose 2 vCPUs write ${formatBytes(dirtyRate)}/s to ${formatBytes(workingSet(ram))} of it,`,
      `and two VFIO devices: nic0 with ${formatBytes(deviceState.nic)} of state, gpu0 with ${formatBytes(deviceState.gpu)}`,
    );
    if (nativeUnavailableReason !== undefined) {
      screen.print(
        `note: the native addon is missing (${nativeUnavailableReason});`,
        '      guest RAM is private to its process, and checksums take longer',
      );
    }
  }

  async #start(side: Side, more: readonly string[]): Promise<MachineClient> {
    const { clock, signal, godwit } = this.#environment;
    const path = join(this.#folder, `${side}.qmp`);
    const devices = await Promise.all(DEVICES.map((model) => this.#device(side, model)));
    signal.throwIfAborted();
    const args = [
      ...this.#machineOptions(path),
      ...devices.flatMap((device) => ['-device', device]),
      ...more,
    ];
    const machine = new MachineProcess(godwit, side, args, clock);
    this.#machines.push(machine);
    const client = await machine.connect(path, signal);
    for (const name of TIMELINE_EVENTS) {
      client.on(name, ({ data, timestamp }) => {
        this.#timeline = applyEvent(this.#timeline, side, { event: name, data, timestamp });
      });
    }
    return client;
  }

  #machineOptions(qmpPath: string): string[] {
    const { ram, dirtyRate } = this.#options;
    return [
      ...[
        '-m',
        `${ram / 1024}K`,
        '-smp',
        '2',
        '-accel',
        `sim,dirty-rate=${dirtyRate},working-set=${workingSet(ram)},fill=on`,
      ],
      ...['-qmp', `unix:${escapeCommas(qmpPath)},server=on,wait=off`],
    ];
  }

  /** What -device says of a device, which is part of the machine, or else served by a process that is started for it. */
  async #device(side: Side, model: Model): Promise<string> {
    const { deviceState, remote } = this.#options;
    const common = `id=${model}0,migration-events=on`;
    const properties = `state-size=${deviceState[model]},${ACTIVITY[model]}`;
    if (!remote) return `vfio-model,model=${model},${common},${properties}`;
    const { clock, godwit } = this.#environment;
    const socket = join(this.#folder, `${side}.${model}`);
    const device = new DeviceProcess(
      godwit,
      `${side}'s ${model}0`,
      { socket, device: `${model},${properties}` },
      clock,
    );
    this.#devices.push(device);
    await device.serving();
    return `vfio-user-pci,socket=${escapeCommas(socket)},${common}`;
  }

  /** Time for everything to be sent twice, and some. */
  #migrationLimitMs(): number {
    const { ram, deviceState, bandwidth } = this.#options;
    const bytes = 2 * (ram + deviceState.nic + deviceState.gpu);
    return MIGRATION_LIMIT_MS + (bandwidth === 0 ? 0 : (bytes / bandwidth) * 1000);
  }

  #listenAt(): string {
    return this.#options.transport === 'tcp' ? 'tcp:127.0.0.1:0' : `unix:${join(this.#folder, 'migration')}`;
  }

  /** Waits until the guest has filled its RAM, so that there is something to move. */
  #untilReady(source: MachineClient): Promise<void> {
    return this.#until(() => guestIsReady(source), READY_LIMIT_MS, 'the guest did not get ready');
  }

  /** Waits until the guest runs on the destination and its devices have said so. */
  #untilArrived(destination: MachineClient): Promise<void> {
    return this.#until(
      async () =>
        (await destination.execute('query-status')).running &&
        lengthOf(guestOutage(this.#timeline)) !== undefined &&
        this.#timeline.destination.devices.every((device) => device.states.at(-1)?.value === 'running'),
      READY_LIMIT_MS,
      'the guest does not run on the destination',
    );
  }

  async #until(condition: () => Promise<boolean>, limitMs: number, complaint: string): Promise<void> {
    const { clock, signal } = this.#environment;
    const giveUpAt = clock.now() + limitMs;
    while (!(await condition())) {
      signal.throwIfAborted();
      if (clock.now() > giveUpAt) throw new Error(`${complaint} within ${limitMs / 1000} s`);
      await delay(clock, 20);
    }
  }

  #result({ progress }: MigrationOutcome, verification: Verification | undefined): DemoResult {
    const { ram, dirtyRate } = this.#options;
    return demoResult({
      status: progress.status,
      totalMs: progress.elapsedMs,
      timeline: this.#timeline,
      ram: { bytes: ram, transferred: progress.ram.transferred, dirtyRounds: progress.ram.rounds },
      deviceBytes: new Map(progress.devices.map(({ qomPath, transferred }) => [qomPath, transferred])),
      verified: {
        guest: verification !== undefined && guestIsWhole(verification, dirtyRate > 0),
        devices: verification !== undefined && devicesAreWhole(verification, DEVICES.length),
      },
    });
  }
}

/** An eighth of RAM: little enough that one more pass brings the migration to its end, on a slow host too. */
function workingSet(ram: number): number {
  return Math.floor(ram / 8 / PAGE_SIZE) * PAGE_SIZE;
}

/** As QEMU's option syntax wants a comma in a value. */
function escapeCommas(value: string): string {
  return value.replaceAll(',', ',,');
}
