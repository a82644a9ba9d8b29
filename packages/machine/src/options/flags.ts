import type { OptionGroupName } from './groups.js';

/** How an option of the command line is written. */
export type FlagDefinition =
  /** Stands alone. */
  | { readonly kind: 'switch'; readonly help: string }
  /** Takes one text; the last one given counts, or all of them where it can be repeated. */
  | { readonly kind: 'text'; readonly argument: string; readonly repeated?: true; readonly help: string }
  /** Takes `key=value,…`. */
  | {
      readonly kind: 'group';
      readonly group: OptionGroupName;
      readonly argument: string;
      /** The argument may be a JSON object instead. */
      readonly json?: true;
      readonly help: string;
    };

/** Every option, by its name without the dash. Each may be written with one dash or two. */
export const FLAGS = {
  name: { kind: 'group', group: 'name', argument: 'NAME', help: 'name of the machine' },
  uuid: { kind: 'text', argument: 'UUID', help: 'UUID of the machine' },
  machine: {
    kind: 'group',
    group: 'machine',
    argument: 'TYPE[,snapshots=FOLDER][,auto-shutdown=on]',
    help: 'type of machine (sim), where savevm keeps snapshots, and whether it ends with its last exported device',
  },
  M: { kind: 'group', group: 'machine', argument: 'TYPE', help: 'same as -machine' },
  accel: {
    kind: 'group',
    group: 'accel',
    argument: 'NAME[,PROPERTY=VALUE...]',
    help: 'accelerator that runs the vCPUs (sim)',
  },
  cpu: { kind: 'text', argument: 'MODEL', help: 'model of the vCPUs (sim)' },
  smp: { kind: 'group', group: 'smp-opts', argument: '[cpus=]N[,...]', help: 'number of vCPUs' },
  m: { kind: 'group', group: 'memory', argument: '[size=]MIB', help: 'guest RAM in MiB, or with a suffix' },
  loadvm: { kind: 'text', argument: 'TAG', help: 'go on from a snapshot' },
  rtc: {
    kind: 'group',
    group: 'rtc',
    argument: '[base=utc|localtime|DATE][,clock=host|rt|vm]',
    help: "the guest's clock",
  },
  object: {
    kind: 'group',
    group: 'object',
    argument: 'TYPE,id=ID[,...]',
    json: true,
    help: 'make an object',
  },
  device: {
    kind: 'group',
    group: 'device',
    argument: 'DRIVER[,id=ID][,PROPERTY=VALUE...]',
    json: true,
    help: 'add a device',
  },
  chardev: {
    kind: 'group',
    group: 'chardev',
    argument: 'KIND,id=ID[,...]',
    help: 'make a character device (help lists the kinds)',
  },
  mon: {
    kind: 'group',
    group: 'mon',
    argument: '[chardev=]ID[,mode=control|readline]',
    help: 'a monitor on a character device',
  },
  qmp: {
    kind: 'text',
    argument: 'DEVICE',
    repeated: true,
    help: 'a QMP monitor, e.g. unix:PATH,server=on,wait=off',
  },
  'qmp-pretty': { kind: 'text', argument: 'DEVICE', repeated: true, help: 'the same, printed for people' },
  monitor: { kind: 'text', argument: 'DEVICE', repeated: true, help: 'a human monitor' },
  serial: { kind: 'text', argument: 'DEVICE', repeated: true, help: 'a serial port' },
  incoming: { kind: 'text', argument: 'defer|URI', help: 'wait for a migration' },
  parallel: { kind: 'text', argument: 'none', repeated: true, help: 'accepted; there are no parallel ports' },
  net: { kind: 'text', argument: 'none', repeated: true, help: 'accepted; -device adds network cards' },
  nic: { kind: 'text', argument: 'none', repeated: true, help: 'accepted; -device adds network cards' },
  vga: { kind: 'text', argument: 'none', repeated: true, help: 'accepted; there is no graphics card' },
  S: { kind: 'switch', help: 'do not start the vCPUs' },
  preconfig: { kind: 'switch', help: 'wait before the machine is built (x-exit-preconfig)' },
  action: {
    kind: 'group',
    group: 'action',
    argument: 'EVENT=ACTION[,...]',
    help: 'what to do on reboot (reset, shutdown) and shutdown (poweroff, pause)',
  },
  'no-shutdown': { kind: 'switch', help: 'stay when the guest powers down' },
  'no-reboot': { kind: 'switch', help: 'end instead of resetting' },
  nodefaults: { kind: 'switch', help: 'no default devices' },
  'no-user-config': { kind: 'switch', help: 'accepted; there is no user configuration' },
  nographic: { kind: 'switch', help: 'no display' },
  display: {
    kind: 'text',
    argument: 'none|vnc=WHERE',
    repeated: true,
    help: 'display; vnc= is the same as -vnc',
  },
  vnc: {
    kind: 'group',
    group: 'vnc',
    argument: 'unix:PATH|HOST:N|none[,password=on]',
    help: "show the guest's text console over VNC",
  },
  'add-fd': {
    kind: 'group',
    group: 'add-fd',
    argument: 'fd=FD,set=SET[,opaque=TEXT]',
    help: 'put a descriptor into a set',
  },
  set: {
    kind: 'text',
    argument: 'GROUP.ID.PROPERTY=VALUE',
    repeated: true,
    help: 'set a property of an option that was given before',
  },
  msg: {
    kind: 'group',
    group: 'msg',
    argument: '[timestamp=on][,guest-name=on]',
    help: 'begin what is said with the time and the name of the machine',
  },
  pidfile: { kind: 'text', argument: 'FILE', help: 'write the process id to FILE' },
  version: { kind: 'switch', help: 'print the version' },
  help: { kind: 'switch', help: 'print this help' },
  h: { kind: 'switch', help: 'same as -help' },
} as const satisfies Record<string, FlagDefinition>;

export type FlagName = keyof typeof FLAGS;
