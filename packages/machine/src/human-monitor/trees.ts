import type { VfioDevice } from '../devices/index.js';
import type { QomObject } from '../qom/object.js';
import type { MonitorContext } from './command.js';

/** What `info qom-tree` shows: an object, and what is below it. */
export function objectTree(object: QomObject, depth = 0): string {
  const indent = ' '.repeat(depth * 2);
  const label = depth === 0 ? object.path : `/${object.name}`;
  const children = [...object.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return `${indent}${label} (${object.typeName})\n${children.map((child) => objectTree(child, depth + 1)).join('')}`;
}

/** What `info qtree` shows: the devices, and the properties that they were given. */
export function deviceTree(devices: readonly VfioDevice[]): string {
  const lines = ['bus: main-system-bus', '  type System'];
  for (const device of devices) {
    lines.push(`  dev: ${device.typeName}, id "${device.id}"`);
    for (const [name, { get }] of device.properties) {
      const value = name === 'type' ? undefined : get?.();
      if (value !== undefined && !(value instanceof Promise))
        lines.push(`    ${name} = ${propertyText(value)}`);
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}

function propertyText(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'bigint' && typeof value !== 'number') return String(value);
  return `${value} (0x${BigInt.asUintN(64, BigInt(value)).toString(16)})`;
}

interface MemoryRange {
  readonly base: number;
  readonly size: number;
  readonly name: string;
  readonly kind: 'ram' | 'i/o';
}

interface AddressSpace {
  readonly name: string;
  readonly root: string;
  /** The last address. */
  readonly end: bigint;
  readonly ranges: readonly MemoryRange[];
}

function addressSpaces({ machine: { hardware } }: MonitorContext): readonly AddressSpace[] {
  const { bus, memory } = hardware;
  const io = (range: Omit<MemoryRange, 'kind'>): MemoryRange => ({ ...range, kind: 'i/o' });
  return [
    {
      name: 'memory',
      root: 'system',
      end: 2n ** 64n - 1n,
      ranges: [{ base: 0, size: memory.size, name: 'ram', kind: 'ram' }, ...bus.ranges('mmio').map(io)],
    },
    { name: 'I/O', root: 'io', end: 0xffffn, ranges: bus.ranges('port').map(io) },
  ];
}

/** What `info mtree` shows: address spaces, and what answers where. */
export function memoryTree(context: MonitorContext): string {
  return addressSpaces(context)
    .map(({ name, root, end, ranges }) =>
      [
        `address-space: ${name}`,
        `  ${hex(0)}-${hex(end)} (prio 0, i/o): ${root}`,
        ...ranges.map((range) => `    ${rangeText(range)}`),
        '\n',
      ].join('\n'),
    )
    .join('');
}

/** What `info mtree -f` shows: the same without nesting. */
export function flatViews(context: MonitorContext): string {
  return addressSpaces(context)
    .map(({ name, root, ranges }, index) =>
      [
        `FlatView #${index}`,
        ` AS "${name}", root: ${root}`,
        ` Root memory region: ${root}`,
        ...ranges.map((range) => `  ${rangeText(range)}`),
        '\n',
      ].join('\n'),
    )
    .join('');
}

function rangeText({ base, size, name, kind }: MemoryRange): string {
  return `${hex(base)}-${hex(base + size - 1)} (prio 0, ${kind}): ${name}`;
}

function hex(address: number | bigint): string {
  return address.toString(16).padStart(16, '0');
}
