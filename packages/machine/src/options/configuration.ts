import type { JsonObject, JsonValue } from '@godwit/json';
import type { Commands } from '../generated/index.js';
import type { InheritedDescriptor } from '../inherited-descriptors.js';
import { findObjectType } from '../qom/types.js';
import { type LostTickPolicy, parseRtcDate, type RtcBase, type RtcClock } from '../rtc/index.js';
import { type VncConfiguration, vncFromOptions } from '../vnc/configuration.js';
import { type CharacterDeviceConfiguration, characterDevices } from './character-devices.js';
import { type CommandLine, type GivenOption, given, inOption } from './command-line.js';
import type { FlagName } from './flags.js';
import { OPTION_GROUPS, type OptionGroupName } from './groups.js';
import { OptionError } from './option-error.js';
import { type OptionValues, parseOptionGroup } from './option-group.js';
import { parseSimProperties, type SimProperties } from './sim-properties.js';
import { parseTopology, type Topology } from './topology.js';
import { checkIdentifier, parseBoolean } from './values.js';

/** A device or an object as it was asked for, by an option or a command. */
export interface ObjectConfiguration {
  /** What errors begin with; absent for those of a command. */
  readonly source?: string;
  readonly type: string;
  /** Absent for a device without a name. */
  readonly id?: string;
  /** The rest: text from an option, any JSON value from a command. */
  readonly properties: Readonly<Record<string, JsonValue>>;
}

/** What the machine does of itself (-action, set-action); what is not given is as in QEMU. */
export type MachineActions = Commands['set-action']['args'];

const ACTIONS = {
  reboot: ['reset', 'shutdown'],
  shutdown: ['poweroff', 'pause'],
  panic: ['pause', 'shutdown', 'exit-failure', 'none'],
  watchdog: ['reset', 'shutdown', 'poweroff', 'pause', 'debug', 'none', 'inject-nmi'],
} as const satisfies { readonly [Name in keyof MachineActions]-?: readonly MachineActions[Name][] };

export interface RtcConfiguration {
  readonly base: RtcBase;
  readonly drivenBy: RtcClock;
  readonly lostTickPolicy: LostTickPolicy;
}

/** Everything that a machine is built from. */
export interface MachineConfiguration extends CharacterDeviceConfiguration {
  readonly name?: string;
  readonly uuid?: string;
  /** Bytes of guest RAM; a multiple of 4096. */
  readonly memory: number;
  readonly topology: Topology;
  /** Properties of the accelerator `sim`. */
  readonly accelerator: SimProperties;
  readonly rtc: RtcConfiguration;
  /** Descriptors for /dev/fdset/N, with the option that names each. */
  readonly descriptorSets: readonly (InheritedDescriptor & { readonly source: string })[];
  readonly objects: readonly ObjectConfiguration[];
  readonly devices: readonly ObjectConfiguration[];
  readonly vnc: readonly VncConfiguration[];
  /** `defer`, or where to wait for a migration. */
  readonly incoming?: string;
  /** Where snapshots are kept; without it there are none. */
  readonly snapshotFolder?: string;
  /** End when the last exported device is not exported any more (-machine auto-shutdown=on). */
  readonly autoShutdown: boolean;
  /** Do not start the guest (-S). */
  readonly startStopped: boolean;
  /** The snapshot that the guest goes on from. */
  readonly snapshot?: string;
  readonly preconfig: boolean;
  readonly actions: MachineActions;
}

const PAGE_SIZE = 4096n;
const DEFAULT_MEMORY = 128n * 1024n * 1024n;
/** As many bytes as can be mapped and tracked without ado. */
const MAX_MEMORY = 1024n ** 4n;
const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** The smallest machine, for those who build one in a program: override what differs. */
export const DEFAULT_CONFIGURATION: MachineConfiguration = {
  memory: Number(DEFAULT_MEMORY),
  topology: { cpus: 1, maxCpus: 1, sockets: 1, dies: 1, clusters: 1, cores: 1, threads: 1 },
  accelerator: {},
  rtc: { base: 'utc', drivenBy: 'host', lostTickPolicy: 'discard' },
  chardevs: [],
  monitors: [],
  serials: [],
  descriptorSets: [],
  objects: [],
  devices: [],
  vnc: [],
  autoShutdown: false,
  startStopped: false,
  preconfig: false,
  actions: {},
};

/**
 * What a command line asks for.
 * @throws OptionError one line that begins with the option at fault
 */
export function configurationFrom(line: CommandLine): MachineConfiguration {
  const name = single(line, 'name')?.values.guest;
  const uuid = lastText(line, 'uuid');
  if (uuid !== undefined && !UUID.test(uuid)) {
    throw new OptionError(`-uuid ${uuid}: failed to parse UUID string: wrong format`);
  }
  for (const flag of ['parallel', 'net', 'nic', 'vga'] as const) {
    const other = (line.texts.get(flag) ?? []).find((text) => text !== 'none');
    if (other !== undefined) throw new OptionError(`-${flag} ${other}: the machine has no such device`);
  }
  const cpu = lastText(line, 'cpu');
  if (cpu !== undefined && cpu !== 'sim') throw new OptionError(`unable to find CPU model '${cpu}'`);
  const incoming = lastText(line, 'incoming');
  const snapshot = lastText(line, 'loadvm');
  const snapshots = single(line, 'machine')?.values.snapshots;
  const smp = single(line, 'smp-opts');
  return {
    ...characterDevices(line),
    ...(typeof name === 'string' ? { name } : {}),
    ...(uuid === undefined ? {} : { uuid: uuid.toLowerCase() }),
    ...(incoming === undefined ? {} : { incoming }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(typeof snapshots === 'string' ? { snapshotFolder: snapshots } : {}),
    memory: memorySize(single(line, 'memory')),
    topology:
      smp === undefined
        ? DEFAULT_CONFIGURATION.topology
        : inOption(smp.source, () => parseTopology(smp.values)),
    accelerator: accelerator(line),
    rtc: rtc(single(line, 'rtc')),
    descriptorSets: given(line, 'add-fd').map(inheritedDescriptor),
    objects: given(line, 'object').map((option) => objectFrom(option, 'qom-type')),
    devices: given(line, 'device').map((option) => objectFrom(option, 'driver')),
    vnc: vncServers(line),
    autoShutdown: autoShutdown(single(line, 'machine')),
    startStopped: line.switches.has('S'),
    preconfig: line.switches.has('preconfig'),
    actions: actions(line),
  };
}

/** -action, and its older forms -no-reboot and -no-shutdown. */
function actions(line: CommandLine): MachineActions {
  const option = single(line, 'action');
  const chosen: Record<string, string> = {
    ...(line.switches.has('no-reboot') ? { reboot: 'shutdown' } : {}),
    ...(line.switches.has('no-shutdown') ? { shutdown: 'pause' } : {}),
  };
  for (const [name, value] of Object.entries(option?.values ?? {})) {
    if (!ACTIONS[name as keyof MachineActions].some((action) => action === value)) {
      throw new OptionError(`${option!.source}: Parameter '${name}' does not accept value '${value}'`);
    }
    chosen[name] = String(value);
  }
  return chosen as MachineActions;
}

/** -add-fd */
function inheritedDescriptor({ source, values }: GivenOption): InheritedDescriptor & { source: string } {
  return inOption(source, () => {
    const { fd, set, opaque } = values;
    if (fd === undefined) throw new OptionError('fd option is required and must be non-negative');
    if (set === undefined) throw new OptionError('set option is required and must be non-negative');
    return {
      source,
      fd: Number(fd),
      set: BigInt(set),
      ...(opaque === undefined ? {} : { opaque: String(opaque) }),
    };
  });
}

function single(line: CommandLine, group: OptionGroupName): GivenOption | undefined {
  return given(line, group)[0];
}

export function lastText(line: CommandLine, flag: FlagName): string | undefined {
  return line.texts.get(flag)?.at(-1);
}

function memorySize(option: GivenOption | undefined): number {
  const size = option?.values.size;
  if (option === undefined || typeof size !== 'bigint' || size === 0n) return Number(DEFAULT_MEMORY);
  if (size > MAX_MEMORY) throw new OptionError(`${option.source}: ram size too large (at most 1T)`);
  return Number(((size + PAGE_SIZE - 1n) / PAGE_SIZE) * PAGE_SIZE);
}

function autoShutdown(machine: GivenOption | undefined): boolean {
  const given = machine?.values['auto-shutdown'];
  return given !== undefined && inOption(machine!.source, () => parseBoolean('auto-shutdown', String(given)));
}

function accelerator(line: CommandLine): SimProperties {
  const machine = single(line, 'machine');
  const { type, accel, snapshots: _, 'auto-shutdown': __, ...rest } = machine?.values ?? {};
  if (type !== undefined && type !== 'sim') {
    throw new OptionError(`-machine ${type}: unsupported machine type (the only one is 'sim')`);
  }
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw new OptionError(`${machine!.source}: Property 'sim-machine.${unknown}' not found`);
  }
  const [option] = given(line, 'accel');
  const name = option?.values.accel ?? accel ?? 'sim';
  if (name !== 'sim') {
    throw new OptionError(`${option?.source ?? machine!.source}: invalid accelerator ${name}`);
  }
  if (option === undefined) return {};
  const properties = Object.entries(option.values).filter(([key]) => key !== 'accel');
  return inOption(option.source, () =>
    parseSimProperties(Object.fromEntries(properties.map(([key, value]) => [key, String(value)]))),
  );
}

function rtc(option: GivenOption | undefined): RtcConfiguration {
  const { base = 'utc', clock = 'host', driftfix = 'none' } = option?.values ?? {};
  const start = rtcBase(String(base));
  if (clock !== 'host' && clock !== 'rt' && clock !== 'vm')
    throw new OptionError(`invalid option value '${clock}'`);
  if (driftfix !== 'none' && driftfix !== 'slew') throw new OptionError(`invalid option value '${driftfix}'`);
  return { base: start, drivenBy: clock, lostTickPolicy: driftfix === 'none' ? 'discard' : 'slew' };
}

function rtcBase(text: string): RtcBase {
  if (text === 'utc' || text === 'localtime') return text;
  const date = parseRtcDate(text);
  if (date !== undefined) return date;
  throw new OptionError("invalid datetime format\nvalid formats: '2006-06-17T16:01:21' or '2006-06-17'");
}

function objectFrom(
  { source, values, json }: GivenOption,
  typeKey: 'qom-type' | 'driver',
): ObjectConfiguration {
  return inOption(source, () => objectConfiguration(json ?? textsOf(values), typeKey, source));
}

function textsOf(values: OptionValues): JsonObject {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}

/**
 * Splits the members of -object, -device, device_add and the like.
 * @throws OptionError
 */
export function objectConfiguration(
  members: JsonObject,
  typeKey: 'qom-type' | 'driver',
  source?: string,
): ObjectConfiguration {
  const { [typeKey]: type, id, ...properties } = members;
  if (type === undefined) throw new OptionError(`Parameter '${typeKey}' is missing`);
  if (typeof type !== 'string')
    throw new OptionError(`Invalid parameter type for '${typeKey}', expected: string`);
  if (typeKey === 'qom-type' && findObjectType(type)?.userCreatable !== true) {
    throw new OptionError(`Parameter 'qom-type' does not accept value '${type}'`);
  }
  if (id === undefined && typeKey === 'qom-type') throw new OptionError("Parameter 'id' is missing");
  if (id !== undefined && typeof id !== 'string') {
    throw new OptionError("Invalid parameter type for 'id', expected: string");
  }
  return {
    ...(source === undefined ? {} : { source }),
    ...(id === undefined ? {} : { id: checkIdentifier(id) }),
    type,
    properties,
  };
}

/** -vnc, and -display vnc= which means the same. Those without a name get one: default, vnc2, vnc3… */
function vncServers(line: CommandLine): VncConfiguration[] {
  const displays = (line.texts.get('display') ?? []).flatMap((text): GivenOption[] => {
    const source = `-display ${text}`;
    if (text === 'none') return [];
    if (text === 'vnc') {
      throw new OptionError(`${source}: VNC requires a display argument vnc=<display>`);
    }
    if (!text.startsWith('vnc=')) {
      throw new OptionError(`${source}: Parameter 'type' does not accept value '${text}'`);
    }
    const values = inOption(source, () => parseOptionGroup(OPTION_GROUPS.vnc, text.slice('vnc='.length)));
    return [{ source, values }];
  });
  const ids = new Set<string>();
  return [...given(line, 'vnc'), ...displays].map(({ source, values }) =>
    inOption(source, () => {
      let id = String(values.id ?? 'default');
      for (let number = 2; values.id === undefined && ids.has(id); number++) id = `vnc${number}`;
      if (ids.has(id)) throw new OptionError(`Duplicate ID '${id}' for vnc`);
      ids.add(id);
      return vncFromOptions(id, values, source);
    }),
  );
}
