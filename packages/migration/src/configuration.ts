import { MigrationError, MismatchError, StreamError } from './errors.js';
import type { DeviceEntry, MachinePort } from './ports.js';
import { MAX_MULTIFD_CHANNELS } from './stream/records.js';

/** The first record of a stream: what the two machines must have in common, and how the source will send. */
export interface StreamConfiguration {
  readonly ramSize: number;
  readonly pageSize: number;
  readonly digest: string;
  readonly machine: Readonly<Record<string, string>>;
  /** In the order of their numbers in the stream. */
  readonly devices: readonly DeviceConfiguration[];
  /** The source waits for SWITCHOVER_ACK. */
  readonly switchoverAck: boolean;
  /** Present where the source would go on over another connection. */
  readonly recovery?: RecoveryConfiguration;
  /** The additional channels (multifd), and the id by which they are known; absent without any. */
  readonly multifd?: MultifdConfiguration;
  /** A descriptor comes with this record, for reading the source's RAM. */
  readonly sharesRam?: true;
}

export interface MultifdConfiguration {
  readonly channels: number;
  /** 16 bytes in hexadecimal; the source makes it up. */
  readonly id: string;
}

export interface RecoveryConfiguration {
  /** A name that no other migration has. */
  readonly migration: string;
  /** This connection takes the place of one that broke. */
  readonly resumes: boolean;
}

export interface DeviceConfiguration {
  readonly qomPath: string;
  readonly compatible: string;
  readonly preCopy: boolean;
  /** What it sends while the guest is stopped goes over the additional channels. */
  readonly multifd: boolean;
}

/** How one migration is done, beside what the machines are. */
export interface StreamFeatures {
  readonly switchoverAck: boolean;
  readonly recovery?: RecoveryConfiguration | undefined;
  readonly multifd?: MultifdConfiguration | undefined;
}

/** Throws {@link MigrationError} where a device wants something that this migration has not. */
export function describeConfiguration(
  machine: MachinePort,
  digest: string,
  { switchoverAck, recovery, multifd }: StreamFeatures,
): StreamConfiguration {
  const transfersByMultifd = ({ name, multifdTransfer }: DeviceEntry): boolean => {
    if (multifdTransfer === 'on' && multifd === undefined) {
      throw new MigrationError(
        `${name}: Multifd device transfer requested but unsupported in the current config`,
      );
    }
    return multifdTransfer !== 'off' && multifd !== undefined;
  };
  return {
    ramSize: machine.ram.size,
    pageSize: machine.ram.pageSize,
    digest,
    machine: machine.configuration(),
    devices: machine.devices().map((entry) => ({
      qomPath: entry.qomPath,
      compatible: entry.compatible,
      preCopy: entry.device.flags.preCopy,
      multifd: transfersByMultifd(entry),
    })),
    switchoverAck,
    ...(multifd === undefined ? {} : { multifd }),
    ...(recovery === undefined ? {} : { recovery }),
  };
}

export function encodeConfiguration(configuration: StreamConfiguration): Buffer {
  return Buffer.from(JSON.stringify(configuration));
}

/** Throws {@link StreamError} where the contents are not a configuration. */
export function decodeConfiguration(payload: Buffer): StreamConfiguration {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new StreamError('the CONFIGURATION record is not JSON', { cause });
  }
  if (!isConfiguration(value))
    throw new StreamError('the CONFIGURATION record lacks members or has wrong ones');
  return value;
}

/**
 * Compares what the source says with the machine that is to take it over. Throws {@link MismatchError} that names every
 * difference; source first, destination second.
 */
export function checkConfiguration(source: StreamConfiguration, own: StreamConfiguration): void {
  const differences: string[] = [];
  const compare = (what: string, theirs: unknown, ours: unknown) => {
    if (theirs !== ours) differences.push(`${what} is ${theirs} at the source, ${ours} at the destination`);
  };
  compare('RAM size', source.ramSize, own.ramSize);
  compare('page size', source.pageSize, own.pageSize);
  compare('page digest algorithm', source.digest, own.digest);
  if (source.multifd === undefined || own.multifd === undefined) {
    compare('multifd', onOff(source.multifd !== undefined), onOff(own.multifd !== undefined));
  } else {
    compare('multifd-channels', source.multifd.channels, own.multifd.channels);
  }
  for (const key of new Set([...Object.keys(source.machine), ...Object.keys(own.machine)])) {
    compare(key, source.machine[key] ?? 'missing', own.machine[key] ?? 'missing');
  }
  const ours = new Map(own.devices.map((device) => [device.qomPath, device]));
  for (const { qomPath, compatible, multifd } of source.devices) {
    const device = ours.get(qomPath);
    if (device === undefined) {
      differences.push(`device '${qomPath}' is missing at the destination`);
    } else {
      compare(`device '${qomPath}'`, `'${compatible}'`, `'${device.compatible}'`);
      // Without multifd on one side that is the difference to name, not what follows from it.
      if (source.multifd !== undefined && own.multifd !== undefined) {
        compare(`multifd transfer of device '${qomPath}'`, onOff(multifd), onOff(device.multifd));
      }
    }
    ours.delete(qomPath);
  }
  for (const qomPath of ours.keys()) differences.push(`device '${qomPath}' is missing at the source`);
  if (differences.length > 0) throw new MismatchError(`the machines do not match: ${differences.join('; ')}`);
}

function onOff(value: boolean): string {
  return value ? 'on' : 'off';
}

function isConfiguration(value: unknown): value is StreamConfiguration {
  return (
    isRecord(value) &&
    isCount(value.ramSize) &&
    isCount(value.pageSize) &&
    typeof value.digest === 'string' &&
    typeof value.switchoverAck === 'boolean' &&
    (value.recovery === undefined || isRecovery(value.recovery)) &&
    (value.multifd === undefined || isMultifd(value.multifd)) &&
    (value.sharesRam === undefined || value.sharesRam === true) &&
    isRecord(value.machine) &&
    Object.values(value.machine).every((fact) => typeof fact === 'string') &&
    Array.isArray(value.devices) &&
    value.devices.every(
      (device: unknown) =>
        isRecord(device) &&
        typeof device.qomPath === 'string' &&
        typeof device.compatible === 'string' &&
        typeof device.preCopy === 'boolean' &&
        typeof device.multifd === 'boolean',
    )
  );
}

function isMultifd(value: unknown): value is MultifdConfiguration {
  return (
    isRecord(value) &&
    isCount(value.channels) &&
    value.channels >= 1 &&
    value.channels <= MAX_MULTIFD_CHANNELS &&
    typeof value.id === 'string' &&
    /^[0-9a-f]{32}$/.test(value.id)
  );
}

function isRecovery(value: unknown): value is RecoveryConfiguration {
  return isRecord(value) && typeof value.migration === 'string' && typeof value.resumes === 'boolean';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
