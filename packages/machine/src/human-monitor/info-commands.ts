import { identityCommands } from '../commands/identity.js';
import { processorCommands } from '../commands/processors.js';
import { vncCommands } from '../commands/vnc.js';
import type { VncBasicInfo } from '../generated/index.js';
import { resolvePath } from '../qom/path.js';
import type { MonitorCommand, MonitorContext } from './command.js';
import { bitmapMappingText, migrationText, vfioText } from './migration-text.js';
import { pciText } from './pci-text.js';
import { registersText } from './registers.js';
import { snapshotsText } from './snapshot-commands.js';
import { deviceTree, flatViews, memoryTree, objectTree } from './trees.js';

/** What can be asked before the machine is built. */
const PRECONFIG: readonly string[] = [
  'chardev',
  'history',
  'iothreads',
  'name',
  'qom-tree',
  'status',
  'uuid',
  'version',
];

/** What `info` can show. Names and forms are QEMU's. */
export const INFO_COMMANDS: readonly MonitorCommand[] = [
  show('balloon', 'show balloon information', () => {
    throw new Error('No balloon device has been activated');
  }),
  show('block', 'show info of all block devices', () => ''),
  show('block-jobs', 'show progress of ongoing block device operations', () => 'No active jobs\n'),
  show('blockstats', 'show block device statistics', () => ''),
  show('chardev', 'show the character devices', ({ machine }) =>
    machine.chardevs
      .list()
      .map(({ id, filename }) => `${id}: filename=${filename}\n`)
      .join(''),
  ),
  show('cpus', 'show infos for each CPU', async (context) => {
    const cpus = await processorCommands['query-cpus-fast'](undefined, context);
    return cpus
      .map((cpu) => {
        const mark = Number(cpu['cpu-index']) === context.cpuIndex ? '*' : ' ';
        return `${mark} CPU #${cpu['cpu-index']}: thread_id=${cpu['thread-id']}\n`;
      })
      .join('');
  }),
  show('fdsets', 'show the file descriptor sets', ({ machine }) =>
    machine.fdSets
      .query()
      .map(
        ({ 'fdset-id': id, fds }) =>
          `fdset ${id}: ${fds.map(({ fd, opaque }) => (opaque === undefined ? fd : `${fd} (${opaque})`)).join(', ')}\n`,
      )
      .join(''),
  ),
  show('history', 'show the command line history', ({ terminal }) =>
    (terminal?.history ?? []).map((line, index) => `${index}: '${line}'\n`).join(''),
  ),
  show('iothreads', 'show iothreads', (context) =>
    processorCommands['query-iothreads'](undefined, context)
      .map(({ id, 'thread-id': thread, ...settings }) =>
        [
          `${id}:`,
          `  thread_id=${thread}`,
          ...Object.entries(settings).map(([name, value]) => `  ${name}=${value}`),
          '',
        ].join('\n'),
      )
      .join(''),
  ),
  show('kvm', 'show KVM information', () => 'kvm support: disabled\n'),
  show('memory-devices', 'show memory devices', () => ''),
  show(
    'memory_size_summary',
    'show the amount of initially allocated and present hotpluggable (if enabled) memory in bytes.',
    (context) => {
      const { 'base-memory': base } = processorCommands['query-memory-size-summary'](undefined, context);
      return `base memory: ${base}\nplugged memory: 0\n`;
    },
  ),
  show('mice', 'show which guest mouse is receiving events', () => 'No mouse devices connected\n'),
  show('migrate', 'show migration status', ({ machine }) => migrationText(machine.migrations.info())),
  show('migrate_capabilities', 'show current migration capabilities', ({ machine }) =>
    machine.migrations.capabilities
      .list()
      .map(({ capability, state }) => `${capability}: ${state ? 'on' : 'off'}\n`)
      .join(''),
  ),
  show('migrate_parameters', 'show current migration parameters', ({ machine }) => {
    const { values } = machine.migrations.parameters;
    return Object.entries(values)
      .filter(([, value]) => !Array.isArray(value))
      .map(
        ([name, value]) => `${name}: ${parameterText(name, value as string | number | bigint | boolean)}\n`,
      )
      .concat(bitmapMappingText(values['block-bitmap-mapping']))
      .join('');
  }),
  {
    ...show('mtree', 'show memory tree', memoryTree),
    arguments: [{ name: 'f', kind: 'flag' }],
    usage: '[-f]',
    run: (args, context) => (args.isOn('f') ? flatViews(context) : memoryTree(context)),
  },
  show('name', 'show the current VM name', (context) => {
    const { name } = identityCommands['query-name'](undefined, context) as { name?: string };
    return name === undefined ? '' : `${name}\n`;
  }),
  show('network', 'show the network state', () => ''),
  show('numa', 'show NUMA information', () => '0 nodes\n'),
  show('pci', 'show PCI info', pciText),
  show('qtree', 'show device tree', ({ machine }) => deviceTree(machine.hardware.devices)),
  {
    ...show('qom-tree', 'show QOM composition tree', ({ machine }) => objectTree(machine.tree.machine)),
    arguments: [{ name: 'path', kind: 'string', optional: true }],
    usage: '[path]',
    run: (args, { machine: { tree } }) => {
      const path = args.optionalText('path');
      return objectTree(path === undefined ? tree.machine : resolvePath(tree.root, path));
    },
  },
  {
    ...show(
      'registers',
      "show the cpu registers (-a: show register info for all cpus; vcpu: specific vCPU to query; show the current CPU's registers if no argument is specified)",
      () => '',
    ),
    arguments: [
      { name: 'a', kind: 'flag' },
      { name: 'vcpu', kind: 'integer', optional: true },
    ],
    usage: '[-a|vcpu]',
    run: (args, context) => {
      const { vcpus } = context.machine.hardware.accelerator;
      if (args.isOn('a')) return vcpus.map(({ index }) => registersText(context, index)).join('');
      const index = Number(args.optionalNumber('vcpu') ?? context.cpuIndex);
      return vcpus[index] === undefined ? `CPU#${index} not available\n` : registersText(context, index);
    },
  },
  show('snapshots', 'show the currently saved VM snapshots', ({ machine }) => snapshotsText(machine)),
  show('status', 'show the current VM status (running|paused)', ({ machine: { guest } }) => {
    if (guest.running) return 'VM status: running\n';
    return `VM status: paused${guest.runState === 'paused' ? '' : ` (${guest.runState})`}\n`;
  }),
  show('uuid', 'show the current VM UUID', (context) => {
    const { UUID } = identityCommands['query-uuid'](undefined, context);
    return `${UUID}\n`;
  }),
  show('version', 'show the version of QEMU', () => {
    const { qemu, package: name } = identityCommands['query-version']();
    return `${qemu.major}.${qemu.minor}.${qemu.micro}${name}\n`;
  }),
  show('vfio', 'show the migration of VFIO devices', ({ machine }) =>
    vfioText(machine.migrations.info(), machine.hardware.devices),
  ),
  show('vnc', 'show the vnc server status', vncText),
];

type Shown = (context: MonitorContext) => string | Promise<string>;

function vncText(context: MonitorContext): string {
  const servers = vncCommands['query-vnc-servers'](undefined, context);
  if (servers.length === 0) return 'None\n';
  const end = ({ host, service, family, websocket }: VncBasicInfo) =>
    `${host}:${service} (${family}${websocket ? ' (Websocket)' : ''})`;
  const asked = (auth: string, vencrypt = 'none') => `Auth: ${auth} (Sub: ${vencrypt})`;
  return servers
    .map(({ id, server, auth, vencrypt, clients }) =>
      [
        `${id}:`,
        ...server.flatMap((socket) => [
          `  Server: ${end(socket)}`,
          `    ${asked(socket.auth, socket.vencrypt)}`,
        ]),
        ...clients.flatMap((client) => [
          `  Client: ${end(client)}`,
          `    x509_dname: ${client.x509_dname ?? 'none'}`,
          `    sasl_username: ${client.sasl_username ?? 'none'}`,
        ]),
        ...(server.length === 0 ? [`  ${asked(auth, vencrypt)}`] : []),
        '',
      ].join('\n'),
    )
    .join('');
}

function show(name: string, help: string, text: Shown): MonitorCommand {
  return {
    ...(PRECONFIG.includes(name) ? { preconfig: true } : {}),
    name,
    arguments: [],
    usage: '',
    help,
    run: (_, context) => text(context),
  };
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^(?:downtime-limit|announce-(?:initial|max|step)|x-checkpoint-delay)$/, ' ms'],
  [/bandwidth$/, ' bytes/second'],
  [/-cache-size$/, ' bytes'],
];

function parameterText(name: string, value: string | number | bigint | boolean): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (name.startsWith('tls-')) return `'${value}'`;
  const unit = UNITS.find(([pattern]) => pattern.test(name))?.[1] ?? '';
  return `${value}${unit}`;
}
