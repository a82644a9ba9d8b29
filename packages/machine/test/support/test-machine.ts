import { VirtualClock } from '@godwit/clock';
import type { JsonObject } from '@godwit/json';
import { native } from '@godwit/native';
import { createMemoryTransports, QmpClient, type QmpEvent } from '@godwit/qmp';
import { DEFAULT_CONFIGURATION, Machine, type MachineConfiguration } from '../../src/index.js';

export interface TestMachine {
  readonly machine: Machine;
  readonly clock: VirtualClock;
  readonly client: QmpClient;
  /** What the client has seen, in short: `STOP`, `MIGRATION active`, `nic stop-copy`, `prepare nic stop`. */
  readonly events: string[];
  /** What the machine said to whoever runs it. */
  readonly warnings: string[];
  close(): Promise<void>;
}

export interface TestMachineOptions extends Partial<MachineConfiguration> {
  readonly clock?: VirtualClock;
  /** Capabilities of migrations to switch on; `events` unless told otherwise. */
  readonly capabilities?: readonly string[];
}

const MIB = 1024 ** 2;

/** A machine of this process with a virtual clock, 8 MiB of RAM, an idle guest, and a client that listens to its events. */
export async function createTestMachine(options: TestMachineOptions = {}): Promise<TestMachine> {
  const {
    clock = new VirtualClock(1_700_000_000_000_000),
    capabilities = ['events'],
    ...configuration
  } = options;
  const warnings: string[] = [];
  const machine = await Machine.create(
    { ...DEFAULT_CONFIGURATION, memory: 8 * MIB, ...configuration },
    {
      clock,
      random: sequence(),
      ...(native === undefined ? {} : { native }),
      threads: false,
      warn: (message) => warnings.push(message),
    },
  );
  const [near, far] = createMemoryTransports();
  void machine.addMonitor({ label: 'test' }).attach(near);
  const client = await QmpClient.connect(far, { clock });
  const events: string[] = [];
  const stream = client.events();
  const listening = (async () => {
    for await (const event of stream) if (event.type === 'event') events.push(shortly(event));
  })();
  await machine.launch();
  if (machine.phase === 'ready') {
    // The threads that copy RAM do not keep to the virtual clock.
    const unlessToldOtherwise = [{ capability: 'x-ram-sharing', state: false }];
    await client.execute('migrate-set-capabilities', {
      capabilities: [
        ...unlessToldOtherwise,
        ...capabilities.map((capability) => ({ capability, state: true })),
      ],
    });
  }
  return {
    machine,
    clock,
    client,
    events,
    warnings,
    async close() {
      await client.close();
      const closing = machine.close();
      await clock.advance(10_000);
      await closing;
      await listening;
    },
  };
}

/** A configuration of `-device vfio-model` with events switched on. */
export function device(id: string, properties: JsonObject = {}) {
  return {
    type: 'vfio-model',
    id,
    properties: { 'migration-events': true, 'state-size': 64 * 1024, ...properties },
  };
}

/** Executes a command while time passes, and returns what it returns. */
export async function execute(machine: TestMachine, command: string, args?: object): Promise<unknown> {
  const { client, clock } = machine;
  let settled = false;
  const done = client.execute(command, args as JsonObject | undefined).finally(() => {
    settled = true;
  });
  // Whoever awaits it below is told; until then the rejection is nobody's.
  done.catch(() => {});
  await clock.advanceUntil(() => settled);
  return done;
}

/** Executes a command and returns the events that it caused. */
export async function eventsOf(machine: TestMachine, command: string, args?: object): Promise<string[]> {
  const before = machine.events.length;
  await execute(machine, command, args);
  await machine.clock.advance(1);
  return machine.events.slice(before);
}

function shortly({ name, data }: QmpEvent): string {
  const values = (data ?? {}) as Record<string, unknown>;
  if (name === 'VFIO_MIGRATION') return `${values['device-id']} ${values['device-state']}`;
  if (name === 'VFIO_MIGRATION_PREPARE') return `prepare ${values['device-id']} ${values['device-state']}`;
  if (name === 'MIGRATION') return `MIGRATION ${values.status}`;
  return name;
}

/** Numbers from 0 to below 1, the same for every machine. */
function sequence(): () => number {
  let state = 1;
  return () => {
    state = (state * 48271) % 0x7fffffff;
    return state / 0x7fffffff;
  };
}
