import { MismatchError, StreamError } from './errors.js';
import type { MachinePort } from './ports.js';

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
}

export function describeConfiguration(
  machine: MachinePort,
  digest: string,
  switchoverAck: boolean,
  recovery?: RecoveryConfiguration,
): StreamConfiguration {
  return {
    ramSize: machine.ram.size,
    pageSize: machine.ram.pageSize,
    digest,
    machine: machine.configuration(),
    devices: machine.devices().map(({ qomPath, compatible, device }) => ({
      qomPath,
      compatible,
      preCopy: device.flags.preCopy,
    })),
    switchoverAck,
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
  for (const key of new Set([...Object.keys(source.machine), ...Object.keys(own.machine)])) {
    compare(key, source.machine[key] ?? 'missing', own.machine[key] ?? 'missing');
  }
  const ours = new Map(own.devices.map((device) => [device.qomPath, device]));
  for (const { qomPath, compatible } of source.devices) {
    const device = ours.get(qomPath);
    if (device === undefined) differences.push(`device '${qomPath}' is missing at the destination`);
    else compare(`device '${qomPath}'`, `'${compatible}'`, `'${device.compatible}'`);
    ours.delete(qomPath);
  }
  for (const qomPath of ours.keys()) differences.push(`device '${qomPath}' is missing at the source`);
  if (differences.length > 0) throw new MismatchError(`the machines do not match: ${differences.join('; ')}`);
}

function isConfiguration(value: unknown): value is StreamConfiguration {
  return (
    isRecord(value) &&
    isCount(value.ramSize) &&
    isCount(value.pageSize) &&
    typeof value.digest === 'string' &&
    typeof value.switchoverAck === 'boolean' &&
    (value.recovery === undefined || isRecovery(value.recovery)) &&
    isRecord(value.machine) &&
    Object.values(value.machine).every((fact) => typeof fact === 'string') &&
    Array.isArray(value.devices) &&
    value.devices.every(
      (device: unknown) =>
        isRecord(device) &&
        typeof device.qomPath === 'string' &&
        typeof device.compatible === 'string' &&
        typeof device.preCopy === 'boolean',
    )
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
