import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Clock, SystemClock } from '@godwit/clock';
import { native, nativeUnavailableReason } from '@godwit/native';
import { createModel, DeviceState, stateName } from '@godwit/vfio';
import { modelFunction, VfioUserServer } from '@godwit/vfio-user';
import { MachineProcess } from '../src/demo/machine-process.js';

const GODWIT = fileURLToPath(new URL('../../bin/godwit.js', import.meta.url));
const needsAddon = native === undefined ? { skip: nativeUnavailableReason ?? true } : {};

/** What happens in the order in which it happens, and who waits for it. */
class Happenings {
  readonly all: string[] = [];
  readonly #waiting: (() => void)[] = [];

  add(happening: string): void {
    this.all.push(happening);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async until(happening: string, count: number): Promise<void> {
    while (this.all.filter((each) => each === happening).length < count) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

/** Serves a device that does nothing of what it is asked before the machine's client has been told of it. */
function serveWary(path: string, happenings: Happenings, clock: Clock): VfioUserServer {
  const server = new VfioUserServer({
    native: native!,
    clock,
    create: ({ memory }) => {
      const model = createModel('gpu', { 'state-size': '64K' }, { clock, memory, random: Math.random });
      const setState = model.setState.bind(model);
      const asked = new Map<DeviceState, number>();
      model.setState = async (wanted) => {
        const count = (asked.get(wanted) ?? 0) + 1;
        asked.set(wanted, count);
        await happenings.until(`announced ${stateName(wanted)}`, count);
        if (wanted === DeviceState.PRE_COPY_P2P)
          await happenings.until('arrived pre-copy-p2p-prepare', count);
        happenings.add(`begun ${stateName(wanted)}`);
        await setState(wanted);
      };
      return modelFunction(model);
    },
  });
  server.listen(path);
  return server;
}

test('the client of a real machine has the notice before the device, in another process, begins', {
  ...needsAddon,
  timeout: 60_000,
}, async () => {
  const clock = new SystemClock();
  const folder = await mkdtemp(join(tmpdir(), 'godwit-'));
  const happenings = new Happenings();
  const server = serveWary(join(folder, 'device'), happenings, clock);
  const qmp = join(folder, 'qmp');
  const events = 'migration-events=on,migration-prepare-events=on';
  const machine = new MachineProcess(
    GODWIT,
    'prepare',
    [
      ...['-m', '16', '-qmp', `unix:${qmp},server=on,wait=off`],
      ...['-device', `vfio-user-pci,id=d,socket=${join(folder, 'device')},${events}`],
    ],
    clock,
  );
  try {
    const client = await machine.connect(qmp, new AbortController().signal);
    client.on('VFIO_MIGRATION_PREPARE', ({ data }) => happenings.add(`announced ${data['device-state']}`));
    client.on('VFIO_MIGRATION', ({ data }) => happenings.add(`arrived ${data['device-state']}`));
    const steps = (...states: string[]) =>
      states.flatMap((state) => [`announced ${state}`, `begun ${state}`, `arrived ${state}`]);

    await client.execute('stop');
    await client.execute('cont');
    assert.deepEqual(happenings.all, steps('running-p2p', 'stop', 'running-p2p', 'running'));

    const start = happenings.all.length;
    await client.execute('migrate', { uri: 'exec:cat >/dev/null' });
    await happenings.until('arrived stop', 2);
    const [setup, quiescent, ...rest] = [
      steps('pre-copy'),
      [
        'announced pre-copy-p2p',
        'arrived pre-copy-p2p-prepare',
        'begun pre-copy-p2p',
        'arrived pre-copy-p2p',
      ],
      steps('stop-copy', 'stop'),
    ];
    assert.deepEqual(happenings.all.slice(start), [...setup!, ...quiescent!, ...rest.flat()]);
  } finally {
    await machine.close();
    server.close();
    server.device.migration?.close();
    await rm(folder, { recursive: true });
  }
});
