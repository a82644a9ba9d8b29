import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { delay, SystemClock } from '@godwit/clock';
import type { JsonValue } from '@godwit/json';
import { native, nativeUnavailableReason } from '@godwit/native';
import { migrateLive } from '../src/demo/live-migration.js';
import { type MachineClient, MachineProcess } from '../src/demo/machine-process.js';
import { devicesAreWhole, guestIsWhole, pagesWritten, verify } from '../src/demo/verification.js';
import { type DeviceProcess, serveDevice, startServer } from './device-process.js';

const needsAddon = native === undefined ? { skip: nativeUnavailableReason ?? true } : {};
const GODWIT = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));
const MESSAGE_DMA_SERVER = fileURLToPath(new URL('./message-dma-server.js', import.meta.url));
const NEVER = new AbortController().signal;
const clock = new SystemClock();

/** The processes of a test and their folder; all of them are gone when it ends. */
class Processes {
  readonly folder = mkdtempSync(join(tmpdir(), 'godwit-remote-'));
  readonly #devices: DeviceProcess[] = [];
  readonly #machines: MachineProcess[] = [];

  constructor(context: TestContext) {
    context.after(async () => {
      await this.end();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  device(name: string, model: string): Promise<DeviceProcess> {
    return this.#track(serveDevice('--socket', join(this.folder, name), '--device', model));
  }

  /** A nic that reaches the guest's memory by messages alone. */
  deviceByMessages(name: string): Promise<DeviceProcess> {
    return this.#track(startServer(MESSAGE_DMA_SERVER, join(this.folder, name)));
  }

  async #track(starting: Promise<DeviceProcess>): Promise<DeviceProcess> {
    const device = await starting;
    this.#devices.push(device);
    return device;
  }

  /** A machine whose guest uses the device that is served as `device`, and waits so long for it. */
  machine(
    name: string,
    device: string,
    { timeoutMs = 60_000, more = [] }: { timeoutMs?: number; more?: readonly string[] } = {},
  ): Promise<MachineClient> {
    const qmp = join(this.folder, `${name}.qmp`);
    const socket = { type: 'unix', path: join(this.folder, device) };
    const machine = new MachineProcess(
      GODWIT,
      name,
      [
        ...['-m', '64', '-smp', '2', '-accel', 'sim,dirty-rate=100M,working-set=16M'],
        ...['-qmp', `unix:${qmp},server=on,wait=off`],
        '-device',
        JSON.stringify({ driver: 'vfio-user-pci', id: 'r', socket, 'x-msg-timeout': timeoutMs }),
        ...more,
      ],
      clock,
    );
    this.#machines.push(machine);
    return machine.connect(qmp, NEVER);
  }

  async end(): Promise<void> {
    await Promise.all(this.#machines.splice(0).map((machine) => machine.close()));
    for (const { child, exit } of this.#devices.splice(0)) {
      // One that is stopped takes no other signal.
      child.kill('SIGCONT');
      child.kill('SIGTERM');
      await exit;
    }
  }
}

function guest(client: MachineClient, property: string): Promise<JsonValue> {
  return client.execute('qom-get', { path: '/machine/guest', property });
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(clock, 10);
}

/** Waits until the guest has served `count` more interrupts than at first. */
async function interruptsMore(client: MachineClient, count: number): Promise<void> {
  const before = Number(await guest(client, 'device-interrupts'));
  await until(async () => Number(await guest(client, 'device-interrupts')) >= before + count);
}

/** Moves a guest that uses the devices `near` and `far`, and has it look at everything afterwards. */
async function moveAndVerify(processes: Processes): Promise<void> {
  const [source, destination] = await Promise.all([
    processes.machine('source', 'near'),
    processes.machine('destination', 'far', { more: ['-incoming', 'defer'] }),
  ]);
  await interruptsMore(source, 10);
  const { progress, reason } = await migrateLive({
    source,
    destination,
    listenAt: `unix:${join(processes.folder, 'migration')}`,
    clock,
    limitMs: 120_000,
    signal: NEVER,
    pollMs: 20,
    onProgress: () => {},
  });
  assert.equal(progress.status, 'completed', reason);
  const transferred = progress.devices.find(({ id }) => id === 'r')?.transferred ?? 0;
  assert.ok(transferred >= 2 ** 20, `${transferred} bytes of device state`);
  await until(async () => (await destination.execute('query-status')).running);
  const before = await pagesWritten(source);
  await interruptsMore(destination, 10);
  const verification = await verify(destination, before);
  assert.ok(guestIsWhole(verification, true), JSON.stringify(verification));
  assert.ok(devicesAreWhole(verification, 1), JSON.stringify(verification));
  assert.ok(verification.devices[0]!.dmaPages > 0);
  await processes.end();
  assert.deepEqual(readdirSync(processes.folder), []);
}

test(
  'a device of a third process moves, to a fourth, with a guest that runs and uses it',
  needsAddon,
  async (context) => {
    const processes = new Processes(context);
    const model = 'nic,state-size=8M,dirty-rate=1M,dma-rate=2M';
    await Promise.all([processes.device('near', model), processes.device('far', model)]);
    await moveAndVerify(processes);
  },
);

test(
  'so does one that reaches the memory of the guest by messages, and none of its pages is lost',
  needsAddon,
  async (context) => {
    const processes = new Processes(context);
    await Promise.all([processes.deviceByMessages('near'), processes.deviceByMessages('far')]);
    await moveAndVerify(processes);
  },
);

test(
  'a server that is killed leaves the guest running, and is named where a migration is refused',
  needsAddon,
  async (context) => {
    const processes = new Processes(context);
    const device = await processes.device('killed', 'gpu,state-size=1M');
    const machine = await processes.machine('m', 'killed');
    await interruptsMore(machine, 2);
    device.child.kill('SIGKILL');
    const state = () =>
      machine.execute('qom-get', { path: '/machine/peripheral/r', property: 'migration-state' });
    await until(async () => (await state()) === 'error');
    const written = await pagesWritten(machine);
    await until(async () => (await pagesWritten(machine)) > written + 5000);
    assert.equal((await machine.execute('query-status')).status, 'running');
    const { 'blocked-reasons': reasons } = await machine.execute('query-migrate');
    assert.match(String(reasons), /^r: the vfio-user server is gone/);
  },
);

test(
  'a server that hangs holds up nobody but the vCPU that waits for it, and that not for ever',
  needsAddon,
  async (context) => {
    const processes = new Processes(context);
    const device = await processes.device('hung', 'gpu,state-size=1M');
    const machine = await processes.machine('m', 'hung', { timeoutMs: 300 });
    const failure = async () =>
      String(await machine.execute('qom-get', { path: '/machine/peripheral/r', property: 'failure' }));
    // On a busy host it may have been too slow already.
    await until(
      async () => Number(await guest(machine, 'device-interrupts')) >= 2 || (await failure()) !== '',
    );
    device.child.kill('SIGSTOP');
    await machine.execute('stop');
    await machine.execute('cont');
    await until(async () => (await failure()).endsWith('in time'));
    const written = await pagesWritten(machine);
    await until(async () => (await pagesWritten(machine)) > written + 5000);
  },
);
