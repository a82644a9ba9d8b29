import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { VirtualClock } from '@godwit/clock';
import type { ObjectConfiguration } from '../../src/index.js';
import { createTestMachine, execute, type TestMachine, type TestMachineOptions } from './test-machine.js';

export interface MachinePairOptions {
  readonly devices: readonly ObjectConfiguration[];
  readonly destinationDevices?: readonly ObjectConfiguration[];
  readonly source?: TestMachineOptions;
  readonly destination?: TestMachineOptions;
}

const ENDED: ReadonlySet<string> = new Set([
  'MIGRATION completed',
  'MIGRATION failed',
  'MIGRATION cancelled',
]);

/** Two machines of this process on one virtual clock, and a client of each. Closed when the test ends. */
export class MachinePair {
  readonly clock: VirtualClock;
  readonly source: TestMachine;
  readonly destination: TestMachine;
  /** Where the destination listens. */
  readonly uri: string;

  static async create(context: TestContext, options: MachinePairOptions): Promise<MachinePair> {
    const { devices, destinationDevices = devices } = options;
    const clock = new VirtualClock(1_700_000_000_000_000);
    const source = await createTestMachine({ clock, devices, ...options.source });
    let created = false;
    const creating = createTestMachine({
      clock,
      devices: destinationDevices,
      incoming: 'defer',
      ...options.destination,
    }).finally(() => {
      created = true;
    });
    // A destination stops its devices first, and they may take their time.
    await clock.advanceUntil(() => created);
    const destination = await creating;
    const folder = mkdtempSync(join(tmpdir(), 'godwit-'));
    const pair = new MachinePair(clock, source, destination, `unix:${join(folder, 'migration')}`);
    context.after(async () => {
      await source.close();
      await destination.close();
      const left = readdirSync(folder);
      rmSync(folder, { recursive: true });
      assert.deepEqual(left, [], 'no socket is left');
    });
    return pair;
  }

  private constructor(clock: VirtualClock, source: TestMachine, destination: TestMachine, uri: string) {
    this.clock = clock;
    this.source = source;
    this.destination = destination;
    this.uri = uri;
  }

  async start(): Promise<void> {
    await execute(this.destination, 'migrate-incoming', { uri: this.uri });
    await execute(this.source, 'migrate', { uri: this.uri });
  }

  /** Lets time pass until a client of `machine` has seen `event`. */
  async until(machine: TestMachine, event: string): Promise<void> {
    await this.clock.advanceUntil(() => machine.events.includes(event));
  }

  /** Lets time pass until both sides say that the migration has ended, and what follows has followed. */
  async ended(): Promise<void> {
    const hasEnded = ({ events }: TestMachine) => events.some((event) => ENDED.has(event));
    await this.clock.advanceUntil(() => hasEnded(this.source) && hasEnded(this.destination));
    await this.clock.advance(10);
  }
}
