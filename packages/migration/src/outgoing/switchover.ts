import type { DeviceSender } from '../device/sender.js';
import { MigrationError } from '../errors.js';
import type { MultifdSender } from '../multifd/sender.js';
import type { RamSender } from '../ram/sender.js';
import type { MigrationStatus } from '../status.js';
import { recordTypes } from '../stream/records.js';
import type { Connection } from './connection.js';
import type { DirtyTracking } from './dirty-tracking.js';
import type { OutgoingOptions } from './options.js';
import { encodeSection } from './section.js';
import type { SourceDevices } from './source-devices.js';

export interface SwitchoverParts {
  readonly options: OutgoingOptions;
  readonly connection: Connection;
  readonly ram: RamSender;
  readonly tracking: DirtyTracking;
  readonly devices: SourceDevices;
  readonly setStatus: (status: MigrationStatus) => void;
}

/** Stops the guest and sends what is left of it, up to END. */
export class Switchover {
  readonly #parts: SwitchoverParts;
  #continue: (() => void) | undefined;
  #ending = false;
  /** Bytes of RAM that were sent while the guest was stopped. */
  ramBytes = 0;

  constructor(parts: SwitchoverParts) {
    this.#parts = parts;
  }

  /** END is being sent: from here on the destination may have everything. */
  get ending(): boolean {
    return this.#ending;
  }

  async run(): Promise<void> {
    const { options, connection, setStatus } = this.#parts;
    const { control } = options.machine;
    const runState = control.runState;
    await this.#stop();
    connection.interruption.throwIfInterrupted();
    if (options.pauseBeforeSwitchover === true) await this.#waitForContinue();
    setStatus('device');
    await this.#sendRam();
    await this.#sendDevices();
    await this.#sendRest(runState);
  }

  /** Goes on from `pre-switchover`. Throws {@link MigrationError} where it does not wait. */
  continue(): void {
    if (this.#continue === undefined) throw new MigrationError('the migration does not wait to be continued');
    this.#continue();
  }

  /** The transitions that this takes count for the downtime of the devices. */
  async #stop(): Promise<void> {
    const { options, devices } = this.#parts;
    const before = new Map(
      [...devices].map((device) => [device, device.entry.controller.transitions.at(-1)]),
    );
    await devices.move(options.machine.control.stopForSwitchover());
    for (const [device, last] of before) {
      const { transitions } = device.entry.controller;
      const known = last === undefined ? -1 : transitions.lastIndexOf(last);
      for (const { durationMs } of transitions.slice(known + 1)) device.downtime += durationMs;
    }
  }

  async #waitForContinue(): Promise<void> {
    const { connection, setStatus } = this.#parts;
    const continued = new Promise<void>((resolve) => {
      this.#continue = resolve;
    });
    setStatus('pre-switchover');
    await connection.interruption.wait(continued);
    this.#continue = undefined;
  }

  async #sendRam(): Promise<void> {
    const { connection, ram, tracking } = this.#parts;
    const before = ram.transferred;
    await tracking.collect(true);
    await tracking.stop();
    // A page of this round must not be overtaken by what it was in the round before.
    await connection.multifd?.sync(connection.writer);
    while (ram.remaining > 0) {
      await ram.send(connection.forPages, connection.pagesAtOnce);
      this.ramBytes = ram.transferred - before;
    }
  }

  async #sendDevices(): Promise<void> {
    const { options, connection, devices } = this.#parts;
    const finish = async (device: DeviceSender, multifd?: MultifdSender) => {
      const startedAt = options.clock.now();
      await devices.run(device.entry, device.finish(connection.writer, multifd));
      device.downtime += options.clock.now() - startedAt;
      connection.interruption.throwIfInterrupted();
    };
    const { multifd } = connection;
    const [spread, serial] = devices.byTransfer(multifd !== undefined);
    await allSettled(spread.map((device) => finish(device, multifd)));
    for (const device of serial) await finish(device);
    await multifd?.sync(connection.writer);
    for (const device of spread) await device.sendEnd(connection.writer);
  }

  async #sendRest(runState: string): Promise<void> {
    const { options, connection, ram } = this.#parts;
    const { writer } = connection;
    const sections = options.machine.sections().map((section) => ({
      type: recordTypes.SECTION,
      payload: encodeSection(section),
    }));
    if (sections.length > 0) await writer.write(...sections);
    await ram.sendDigests(writer);
    const end = Buffer.alloc(4 + Buffer.byteLength(runState));
    end.writeUInt32BE(writer.records);
    end.write(runState, 4);
    this.#ending = true;
    await writer.write({ type: recordTypes.END, payload: end });
  }
}

/** Waits for all, so that nothing goes on behind the back of who handles the first failure. */
async function allSettled(works: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) {
    if (result.status === 'rejected') throw result.reason;
  }
}
