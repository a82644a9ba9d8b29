import { UsageError } from '../io.js';
import { formatBytes, parseSize } from '../report/size.js';

export interface DemoOptions {
  /** Bytes. */
  readonly ram: number;
  /** Bytes per second that the guest writes. */
  readonly dirtyRate: number;
  /** Bytes of state of each device. */
  readonly deviceState: { readonly nic: number; readonly gpu: number };
  readonly transport: 'unix' | 'tcp';
  /** Bytes per second that the migration may send; 0 for as fast as it goes. */
  readonly bandwidth: number;
  /** How long the guest may stand still, in milliseconds. */
  readonly downtimeLimit: number;
  /** Each device is served by a process of its own, over vfio-user. */
  readonly remote: boolean;
  readonly json: boolean;
}

export const DEFAULT_OPTIONS: DemoOptions = {
  ram: 512 * 2 ** 20,
  dirtyRate: 200 * 2 ** 20,
  deviceState: { nic: 64 * 2 ** 20, gpu: 256 * 2 ** 20 },
  transport: 'unix',
  bandwidth: 0,
  downtimeLimit: 300,
  remote: false,
  json: false,
};

export const USAGE = `godwit demo [OPTIONS]

Live-migrates a running guest with two VFIO devices between two machines on this host,
shows how it went, and checks that nothing was lost on the way.

  --ram SIZE                 RAM of the guest (512M)
  --dirty-rate SIZE          bytes that the guest writes per second (200M)
  --device-state NIC[,GPU]   state of the two devices (64M,256M); one size is for both
  --transport unix|tcp       what the migration goes through (unix)
  --bandwidth SIZE           bytes per second that it may send (as fast as it goes)
  --downtime-limit MS        how long the guest may stand still, in milliseconds (300)
  --remote                   devices in processes of their own, over vfio-user
  --json                     print one JSON object instead
  --help                     print this

A SIZE is a number of bytes, or one with a suffix K, M or G.
Exit codes: 0 everything arrived as it was, 1 it did not, 2 wrong call.`;

const PAGE = 4096;
const MIN_RAM = 16 * 2 ** 20;
/** Less leaves nothing of the gpu's memory for its own use. */
const MIN_DEVICE_STATE = 128 * 1024;
const MAX_DEVICE_STATE = 2 ** 31;
const MIN_BANDWIDTH = 2 ** 20;
/** That of QEMU, in milliseconds. */
const MAX_DOWNTIME = 2_000_000;

/** The options of `godwit demo`. @throws UsageError */
export function parseOptions(args: readonly string[]): DemoOptions {
  let options = DEFAULT_OPTIONS;
  for (let index = 0; index < args.length; index++) {
    const [name = '', attached] = splitOnce(args[index]!, '=');
    const value = (): string => {
      const given = attached ?? args[++index];
      if (given === undefined) throw new UsageError(`${name} needs a value`);
      return given;
    };
    switch (name) {
      case '--ram':
        options = { ...options, ram: sizeOf(name, value(), MIN_RAM, Number.MAX_SAFE_INTEGER, PAGE) };
        break;
      case '--dirty-rate':
        options = { ...options, dirtyRate: sizeOf(name, value(), 0, Number.MAX_SAFE_INTEGER, 1) };
        break;
      case '--device-state':
        options = { ...options, deviceState: deviceState(name, value()) };
        break;
      case '--transport':
        options = { ...options, transport: transport(name, value()) };
        break;
      case '--bandwidth':
        options = { ...options, bandwidth: sizeOf(name, value(), MIN_BANDWIDTH, Number.MAX_SAFE_INTEGER, 1) };
        break;
      case '--downtime-limit':
        options = { ...options, downtimeLimit: milliseconds(name, value()) };
        break;
      case '--remote':
      case '--json':
        if (attached !== undefined) throw new UsageError(`${name} takes no value`);
        options = { ...options, [name.slice(2)]: true };
        break;
      default:
        throw new UsageError(`unknown option '${name}'`);
    }
  }
  return options;
}

function sizeOf(name: string, text: string, minimum: number, maximum: number, multiple: number): number {
  const size = parseSize(text);
  if (size === undefined) throw new UsageError(`${name}: '${text}' is no size (such as 512M)`);
  if (size < minimum)
    throw new UsageError(`${name}: ${text} is less than the least, ${formatBytes(minimum)}`);
  if (size > maximum) throw new UsageError(`${name}: ${text} is more than the most, ${formatBytes(maximum)}`);
  if (size % multiple !== 0) throw new UsageError(`${name}: ${text} is no multiple of ${multiple} bytes`);
  return size;
}

function deviceState(name: string, text: string): DemoOptions['deviceState'] {
  const sizes = text.split(',').map((part) => sizeOf(name, part, MIN_DEVICE_STATE, MAX_DEVICE_STATE, PAGE));
  const [nic, gpu = nic] = sizes;
  if (nic === undefined || gpu === undefined || sizes.length > 2) {
    throw new UsageError(`${name}: '${text}' is more than two sizes`);
  }
  return { nic, gpu };
}

function milliseconds(name: string, text: string): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= MAX_DOWNTIME) return value;
  throw new UsageError(`${name}: '${text}' is no number of milliseconds from 1 to ${MAX_DOWNTIME}`);
}

function transport(name: string, text: string): DemoOptions['transport'] {
  if (text === 'unix' || text === 'tcp') return text;
  throw new UsageError(`${name}: '${text}' is neither unix nor tcp`);
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
