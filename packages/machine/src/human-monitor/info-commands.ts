import { identityCommands } from '../commands/identity.js';
import { processorCommands } from '../commands/processors.js';
import { vncCommands } from '../commands/vnc.js';
import type { MigrationInfo, VncBasicInfo } from '../generated/index.js';
import type { QomObject } from '../qom/object.js';
import type { MonitorCommand, MonitorContext } from './command.js';

/** What `info` can show. Names and forms are QEMU's. */
export const INFO_COMMANDS: readonly MonitorCommand[] = [
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
  show('kvm', 'show KVM information', () => 'kvm support: not compiled\n'),
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
      .join('');
  }),
  show('mtree', 'show memory tree', ({ machine }) => {
    const { bus, memory } = machine.hardware;
    const ram = [{ base: 0, size: memory.size, name: 'ram' }];
    const space = (title: string, ranges: readonly { base: number; size: number; name: string }[]) =>
      `address-space: ${title}\n${ranges.map(({ base, size, name }) => `  ${hex(base)}-${hex(base + size - 1)} (prio 0, ${name === 'ram' ? 'ram' : 'i/o'}): ${name}\n`).join('')}\n`;
    return space('I/O', bus.ranges('port')) + space('memory', [...ram, ...bus.ranges('mmio')]);
  }),
  show('name', 'show the current VM name', (context) => {
    const { name } = identityCommands['query-name'](undefined, context) as { name?: string };
    return name === undefined ? '' : `${name}\n`;
  }),
  show('qom-tree', 'show QOM composition tree', ({ machine }) => tree(machine.tree.machine, 0)),
  {
    ...show('registers', 'show the cpu registers', (context) => registersText(context)),
    arguments: [{ name: 'a', kind: 'flag' }],
    usage: '[-a]',
    run: (args, context) => {
      const { vcpus } = context.machine.hardware.accelerator;
      const shown = args.isOn('a') ? vcpus : vcpus.filter(({ index }) => index === context.cpuIndex);
      return shown.map(({ index }) => registersText({ ...context, cpuIndex: index })).join('\n');
    },
  },
  show('snapshots', 'show the currently saved VM snapshots', async ({ machine }) => {
    if (machine.configuration.snapshotFolder === undefined) {
      return 'no block device can store vmstate for snapshot\n';
    }
    const snapshots = await machine.snapshots.list();
    if (snapshots.length === 0) return 'There is no snapshot available.\n';
    const rows = snapshots.map(({ tag, size, savedAt }) => {
      const date = new Date(savedAt).toISOString().slice(0, 19).replace('T', ' ');
      return `--        ${tag.padEnd(20)}${`${(size / 1024 ** 2).toFixed(1)} MiB`.padStart(12)} ${date}\n`;
    });
    return `List of snapshots present on all disks:\nID        ${'TAG'.padEnd(20)}${'VM SIZE'.padStart(12)} DATE\n${rows.join('')}`;
  }),
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
  const end = ({ host, service, family }: VncBasicInfo) => `${host}:${service} (${family})`;
  return servers
    .map(({ id, server, auth, clients }) =>
      [
        `${id}:`,
        ...server.flatMap((socket) => [`  Server: ${end(socket)}`, `    Auth: ${socket.auth} (Sub: none)`]),
        ...clients.flatMap((client) => [
          `  Client: ${end(client)}`,
          '    x509_dname: none',
          '    sasl_username: none',
        ]),
        ...(server.length === 0 ? [`  Auth: ${auth} (Sub: none)`] : []),
        '',
      ].join('\n'),
    )
    .join('');
}

function show(name: string, help: string, text: Shown): MonitorCommand {
  return { name, arguments: [], usage: '', help, run: (_, context) => text(context) };
}

function registersText({ machine, cpuIndex }: MonitorContext): string {
  const section = machine.hardware.accelerator.sections()[cpuIndex];
  if (section === undefined) return '';
  const state = Buffer.from(section.save());
  const words: string[] = [];
  for (let at = 0; at + 8 <= Math.min(state.length, 64); at += 8) {
    words.push(`R${at / 8}=${state.readBigUInt64BE(at).toString(16).padStart(16, '0')}`);
  }
  const lines: string[] = [];
  while (words.length > 0) lines.push(words.splice(0, 4).join(' '));
  return `\nCPU#${cpuIndex}\n${lines.join('\n')}\n`;
}

function tree(object: QomObject, depth: number): string {
  const indent = ' '.repeat(depth * 2);
  const label = depth === 0 ? object.path : `/${object.name}`;
  const children = [...object.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return `${indent}${label} (${object.typeName})\n${children.map((child) => tree(child, depth + 1)).join('')}`;
}

function migrationText(info: MigrationInfo): string {
  const { status, ram, vfio } = info;
  const lines: string[] = [];
  for (const reason of info['blocked-reasons'] ?? []) lines.push(`Outgoing migration blocked:\n  ${reason}`);
  if (status !== undefined) {
    const error = info['error-desc'] === undefined ? '' : ` (${info['error-desc']})`;
    lines.push(`Migration status: ${status}${error}`);
  }
  if (info['total-time'] !== undefined) lines.push(`total time: ${info['total-time']} ms`);
  if (info['expected-downtime'] !== undefined)
    lines.push(`expected downtime: ${info['expected-downtime']} ms`);
  if (info.downtime !== undefined) lines.push(`downtime: ${info.downtime} ms`);
  if (info['setup-time'] !== undefined) lines.push(`setup: ${info['setup-time']} ms`);
  if (ram !== undefined) {
    lines.push(
      `transferred ram: ${ram.transferred >> 10n} kbytes`,
      `throughput: ${ram.mbps.toFixed(2)} mbps`,
      `remaining ram: ${ram.remaining >> 10n} kbytes`,
      `total ram: ${ram.total >> 10n} kbytes`,
      `duplicate: ${ram.duplicate} pages`,
      `normal: ${ram.normal} pages`,
      `normal bytes: ${ram['normal-bytes'] >> 10n} kbytes`,
      `dirty sync count: ${ram['dirty-sync-count']}`,
      `page size: ${ram['page-size'] >> 10n} kbytes`,
      `dirty pages rate: ${ram['dirty-pages-rate']} pages`,
    );
  }
  if (vfio !== undefined) lines.push(`vfio device transferred: ${vfio.transferred >> 10n} kbytes`);
  return lines.map((line) => `${line}\n`).join('');
}

function vfioText(info: MigrationInfo, devices: MonitorContext['machine']['hardware']['devices']): string {
  return devices
    .map((device) => {
      const stats = info['vfio-devices']?.find((each) => each['qom-path'] === device.path);
      const title = `${device.path}: ${String(device.get('migration-state'))}\n`;
      if (stats === undefined) return title;
      const left =
        stats['stop-copy-bytes'] === undefined
          ? ''
          : `  left: ${stats['initial-bytes']} initial, ${stats['dirty-bytes']} dirty, ${stats['stop-copy-bytes']} in stop-copy (bytes)\n`;
      const downtime = stats.downtime === undefined ? '' : `  downtime: ${stats.downtime} ms\n`;
      const transitions = stats.transitions.map(
        ({ from, to, start, duration }) =>
          `  ${from} -> ${to}: after ${milliseconds(start)} ms, took ${milliseconds(duration)} ms\n`,
      );
      return `${title}  transferred: ${stats.transferred} bytes\n${left}${downtime}${transitions.join('')}`;
    })
    .join('');
}

function milliseconds(microseconds: bigint): string {
  return (Number(microseconds) / 1000).toFixed(3);
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

function hex(address: number): string {
  return address.toString(16).padStart(16, '0');
}
