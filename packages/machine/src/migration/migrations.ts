import type {
  Channel,
  IncomingMigration,
  MigrationStatus,
  MultifdConfiguration,
  OpenChannel,
  OutgoingMigration,
} from '@godwit/migration';
import type { MachinePort } from '@godwit/migration/devices';
import { QapiError } from '@godwit/qapi/runtime';
import type { MigrateSetParameters, MigrationCapabilityStatus, MigrationInfo } from '../generated/index.js';
import type { Machine } from '../machine.js';
import {
  checkPlace,
  checkSeveralChannels,
  mainAddress,
  type Place,
  socketAddressOf,
  UnknownProtocolError,
} from './address.js';
import { Capabilities } from './capabilities.js';
import type { ChannelContext, IncomingChannel } from './channels.js';
import { incomingInfo, outgoingInfo } from './migration-info.js';
import { engineParameters, Parameters } from './parameters.js';

const ENDED: readonly MigrationStatus[] = ['none', 'completed', 'failed', 'cancelled'];
/** The connection broke, and there is no other yet. */
const BROKEN: readonly MigrationStatus[] = ['postcopy-paused', 'postcopy-recover-setup'];

interface Outgoing {
  readonly migration: OutgoingMigration;
  readonly ended: Promise<unknown>;
  /** It failed for an address of no known kind; as in QEMU only the command says so. */
  readonly untold?: boolean;
}

interface Incoming {
  readonly migration: IncomingMigration;
  /** Where it listens, or did. */
  channel: IncomingChannel;
  /** Where it expects a connection now, which is not yet where it was last told to listen. */
  accepting: IncomingChannel;
  /** How many connections of the source are let in, wherever it listens. */
  readonly connections: number;
  readonly ended: Promise<unknown>;
}

/** The migrations of one machine: at most one at a time, out or in. */
export class Migrations {
  readonly capabilities = new Capabilities();
  readonly parameters = new Parameters();
  readonly #machine: Machine;
  #outgoing: Outgoing | undefined;
  #incoming: Incoming | undefined;
  /** The last attempt to get a guest that failed and did not end the machine: it can be asked why, and another may follow. */
  #failed: IncomingMigration | undefined;
  /** A migration is about to start, out or in. */
  #starting = false;
  /** What the last migration went through. */
  readonly #channels: Channel[] = [];
  #closing = false;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get active(): boolean {
    const status = this.#outgoing?.migration.status ?? 'none';
    return !ENDED.includes(status) || this.#arriving !== undefined;
  }

  /** The migration from elsewhere that is waited for, or under way. */
  get #arriving(): Incoming | undefined {
    return ENDED.includes(this.#incoming?.migration.status ?? 'none') ? undefined : this.#incoming;
  }

  /**
   * Starts to migrate the machine away.
   * @throws QapiError when it cannot begin; what goes wrong later is told by events and query-migrate
   */
  async migrate(place: Place): Promise<void> {
    const { guest, environment } = this.#machine;
    checkPlace(place);
    if ((this.active || this.#starting) && guest.runState !== 'inmigrate') {
      throw new QapiError('GenericError', "There's a migration process in progress");
    }
    if (guest.runState === 'inmigrate') {
      throw new QapiError('GenericError', 'Guest is waiting for an incoming migration');
    }
    if (guest.runState === 'postmigrate') {
      throw new QapiError('GenericError', "Can't migrate the vm that was paused due to previous migration");
    }
    this.refuseIfBlocked();
    this.#starting = true;
    const engine = await import('./engine.js').finally(() => {
      this.#starting = false;
    });
    const { capabilities } = this;
    const migration = new engine.OutgoingMigration({
      machine: this.#port(),
      clock: environment.clock,
      parameters: engineParameters(this.parameters.values),
      pageDigests: engine.defaultPageDigests,
      timeouts: engine.defaultTimeouts,
      pauseBeforeSwitchover: capabilities.isOn('pause-before-switchover'),
      switchoverAck: capabilities.isOn('switchover-ack'),
      autoConverge: capabilities.isOn('auto-converge'),
      ...(capabilities.isOn('x-precopy-recovery') ? { recoverAs: this.#newId() } : {}),
      ...(capabilities.isOn('multifd') ? { multifd: this.#multifdConfiguration() } : {}),
      ramSharing: capabilities.isOn('x-ram-sharing') ? engine.defaultRamSharing : undefined,
      detectZeroPages: this.parameters.values['zero-page-detection'] !== 'none',
      onStatus: (status) => this.#report(status),
      onConverging: (converging) => {
        if (converging) return;
        environment.warn('migration: not converging, the guest writes as fast as it is sent');
      },
      onPass: (pass) => {
        if (capabilities.isOn('events')) this.#machine.emit('MIGRATION_PASS', { pass: BigInt(pass) });
      },
    });
    let open: OpenChannel;
    try {
      const address = mainAddress(place);
      if (capabilities.isOn('multifd')) checkSeveralChannels(address);
      open = engine.outgoingChannel(address, this.#context(place));
    } catch (error) {
      await this.#failToStart(migration, error);
      throw wordedForMigrate(error);
    }
    const ended = migration.start(this.#remember(open)).then((outcome) => {
      const { error } = migration;
      if (outcome !== 'cancelled' && error !== undefined) environment.warn(`migration: ${inFull(error)}`);
    });
    this.#outgoing = { migration, ended };
  }

  /**
   * Goes on with a migration whose connection broke.
   * @throws QapiError
   */
  async resume(place: Place): Promise<void> {
    const migration = this.#outgoing?.migration;
    const paused = () => {
      if (migration?.status === 'postcopy-paused') return migration;
      throw new QapiError('GenericError', 'Cannot resume if there is no paused migration');
    };
    paused();
    const engine = await import('./engine.js');
    const waiting = paused();
    try {
      const address = mainAddress(place);
      if (this.capabilities.isOn('multifd')) checkSeveralChannels(address);
      waiting.resume(this.#remember(engine.outgoingChannel(address, this.#context(place))));
    } catch (error) {
      throw wordedForMigrate(error);
    }
  }

  /**
   * Starts to wait for a migration.
   * @param exitOnError end the machine when the migration fails
   * @throws QapiError
   */
  async listen(place: Place, exitOnError = true): Promise<void> {
    if (this.#machine.configuration.incoming === undefined) {
      throw new QapiError('GenericError', "'-incoming' was not specified on the command line");
    }
    if (this.#starting || this.#incoming !== undefined || this.#machine.guest.runState !== 'inmigrate') {
      throw new QapiError('GenericError', 'The incoming migration has already been started');
    }
    this.#starting = true;
    try {
      const address = mainAddress(place);
      const multifd = this.capabilities.isOn('multifd');
      if (multifd) checkSeveralChannels(address);
      const engine = await import('./engine.js');
      const connections = multifd ? 1 + engine.MAX_MULTIFD_CHANNELS : 1;
      const channel = await engine.incomingChannel(address, this.#context(place), connections);
      const migration = new engine.IncomingMigration({
        machine: this.#port(),
        clock: this.#machine.environment.clock,
        pageDigests: engine.defaultPageDigests,
        timeouts: engine.defaultTimeouts,
        multifdChannels: () => (multifd ? this.parameters.values['multifd-channels'] : 0),
        ramSharing: this.capabilities.isOn('x-ram-sharing') ? engine.defaultRamSharing : undefined,
        recovers: this.capabilities.isOn('x-precopy-recovery'),
        onStatus: (status) => {
          // While it listens QEMU's destination is in setup already. Where it broke off nobody is expected any more.
          if (status === 'active' || status === 'postcopy-paused')
            (this.#incoming?.accepting ?? channel).close();
          this.#report(status);
        },
      });
      // What it has left behind when it fails, the next attempt must not take for zeros.
      this.#machine.hardware.memory.markUsed();
      const ended = migration.start(this.#remember(() => channel.accept())).then(() => {
        this.#incoming?.channel.close();
        this.#incomingEnded(migration, exitOnError);
      });
      this.#incoming = { migration, channel, accepting: channel, connections, ended };
      this.#failed = undefined;
    } finally {
      this.#starting = false;
    }
  }

  /**
   * Waits at another address for a migration whose connection broke. Where it waits at one already it leaves that.
   * @throws QapiError
   */
  async recover(place: Place): Promise<void> {
    const incoming = this.#incoming;
    const paused = () => {
      if (incoming !== undefined && BROKEN.includes(incoming.migration.status)) return incoming;
      throw new QapiError('GenericError', 'Migrate recover can only be run when postcopy is paused.');
    };
    const { connections } = paused();
    const address = mainAddress(place);
    if (connections > 1) checkSeveralChannels(address);
    const engine = await import('./engine.js');
    const channel = await engine.incomingChannel(address, this.#context(place), connections);
    try {
      const waiting = paused();
      const accept = () => {
        waiting.accepting = channel;
        return channel.accept();
      };
      waiting.migration.recover(this.#remember(accept));
      waiting.channel.close();
      waiting.channel = channel;
    } catch (error) {
      channel.close();
      throw error;
    }
  }

  /** Breaks the connection of a migration that can go on over another one. @throws QapiError where there is none */
  pause(): void {
    if (this.#outgoing?.migration.pause() || this.#incoming?.migration.pause()) return;
    throw new QapiError(
      'GenericError',
      'migrate-pause is currently only supported during postcopy-active state',
    );
  }

  /** Gives up a migration to elsewhere, or one from elsewhere whose connection broke; without effect where there is none. */
  cancel(): void {
    this.#outgoing?.migration.cancel();
    const incoming = this.#incoming;
    if (incoming === undefined || !BROKEN.includes(incoming.migration.status)) return;
    incoming.channel.close();
    incoming.migration.cancel();
  }

  /** Breaks the connection of the migration under way, out or in, without telling it. */
  yank(): void {
    for (const channel of this.#channels) channel.close();
  }

  /** Resolves when the migration to elsewhere that is under way has ended. */
  async outgoingEnded(): Promise<void> {
    await this.#outgoing?.ended;
  }

  /** Goes on from `pre-switchover`. @throws QapiError */
  continue(expected: string): void {
    const migration = this.#outgoing?.migration;
    const status = migration?.status ?? 'none';
    if (status !== expected) {
      throw new QapiError('GenericError', `Migration not in expected state: ${status}`);
    }
    if (status === 'pre-switchover') migration?.continue();
  }

  /** @throws QapiError for a value out of range */
  setParameters(changes: MigrateSetParameters): void {
    this.parameters.set(changes);
    this.#outgoing?.migration.setParameters(engineParameters(this.parameters.values));
  }

  /** @throws QapiError; all or nothing */
  setCapabilities(statuses: readonly MigrationCapabilityStatus[]): void {
    this.refuseWhileActive();
    this.capabilities.set(statuses, this.#incoming !== undefined);
  }

  /** @throws QapiError while a migration is under way */
  refuseWhileActive(): void {
    const status = this.#outgoing?.migration.status ?? 'none';
    if (!ENDED.includes(status))
      throw new QapiError('GenericError', "There's a migration process in progress");
  }

  /** @throws QapiError with what blocked migrations last */
  refuseIfBlocked(): void {
    const blocker = this.#machine.hardware.blockers.at(-1);
    if (blocker !== undefined) throw new QapiError('GenericError', blocker);
  }

  /** Devices neither come nor go while they are moved. @throws QapiError */
  refuseDeviceChange(command: 'device_add' | 'device_del' | 'object-add'): void {
    const outgoing = this.#outgoing?.migration.status ?? 'none';
    const incoming = this.#incoming?.migration.status ?? 'none';
    // A destination that still waits for its source can be given devices.
    if (ENDED.includes(outgoing) && (ENDED.includes(incoming) || incoming === 'setup')) return;
    throw new QapiError('GenericError', `${command} not allowed while migrating`);
  }

  info(): MigrationInfo {
    const { blockers } = this.#machine.hardware;
    return { ...this.#statusInfo(), ...(blockers.length > 0 ? { 'blocked-reasons': [...blockers] } : {}) };
  }

  /** Gives up what is under way and waits for its end. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#outgoing?.migration.cancel();
    this.#incoming?.channel.close();
    this.#incoming?.migration.cancel();
    await Promise.all([this.#outgoing?.ended, this.#incoming?.ended]);
  }

  #statusInfo(): MigrationInfo {
    if (this.#outgoing !== undefined) {
      const { migration, untold } = this.#outgoing;
      return untold ? { status: migration.status } : outgoingInfo(migration.statistics);
    }
    const incoming = this.#incoming?.migration ?? this.#failed;
    if (incoming === undefined) return {};
    const info = incomingInfo(incoming.statistics);
    const address = this.#arriving && socketAddressOf(this.#arriving.channel.address);
    return address === undefined ? info : { ...info, 'socket-address': [address] };
  }

  #incomingEnded(migration: IncomingMigration, exitOnError: boolean): void {
    const { environment, guest } = this.#machine;
    const { error } = migration;
    if (error === undefined || this.#closing) return;
    environment.warn(`incoming migration: ${inFull(error)}`);
    // Where everything was loaded the guest is whole, and it may be the only one.
    if (guest.runState !== 'inmigrate') return;
    if (exitOnError) this.#machine.end({ reason: 'host-error', exitCode: 1 });
    else {
      this.#incoming = undefined;
      this.#failed = migration;
    }
  }

  /** As in QEMU a migration that cannot even begin has failed. */
  async #failToStart(migration: OutgoingMigration, error: unknown): Promise<void> {
    const ended = migration.start(() => Promise.reject(error));
    this.#outgoing = { migration, ended, untold: error instanceof UnknownProtocolError };
    await ended;
  }

  #context(place: Place): ChannelContext {
    return { machine: this.#machine, place };
  }

  #newId(): string {
    const { random } = this.#machine.environment;
    return Buffer.from(Array.from({ length: 16 }, () => Math.floor(random() * 256))).toString('hex');
  }

  #remember<Args extends unknown[]>(open: (...args: Args) => Promise<Channel>) {
    this.#channels.length = 0;
    return async (...args: Args): Promise<Channel> => {
      const channel = await open(...args);
      this.#channels.push(channel);
      return channel;
    };
  }

  #report(status: MigrationStatus): void {
    if (this.capabilities.isOn('events')) this.#machine.emit('MIGRATION', { status });
  }

  #port(): MachinePort {
    const { hardware, guest, configuration } = this.#machine;
    const checkUuid = this.capabilities.isOn('validate-uuid') && configuration.uuid !== undefined;
    return {
      ...hardware.port,
      configuration: () => ({
        ...hardware.port.configuration(),
        ...(checkUuid ? { UUID: configuration.uuid ?? '' } : {}),
      }),
      control: guest,
    };
  }

  #multifdConfiguration(): MultifdConfiguration {
    return { channels: this.parameters.values['multifd-channels'], id: this.#newId() };
  }
}

/** What QEMU says of an error, and what is known beyond that: how a program ended, and its last words. */
function inFull({ message, cause }: Error): string {
  const more = cause instanceof Error && cause.name === 'MigrationError' && cause.message !== message;
  return more ? `${message} (${cause.message})` : message;
}

/** QEMU says it in other words for `migrate` than for `migrate-incoming`. */
function wordedForMigrate(error: unknown): unknown {
  if (!(error instanceof UnknownProtocolError)) return error;
  return new QapiError('GenericError', "Parameter 'uri' expects a valid migration protocol", {
    cause: error,
  });
}
