import type { VfioDevice } from '../devices/index.js';
import type { BitmapMigrationNodeAlias, MigrationInfo, VfioDeviceStats } from '../generated/index.js';

/**
 * What holds for every migration, by the names that QEMU has for it: the stream carries the run state and the
 * configuration, what follows a section is checked, dirty pages are cleared 2^18 at a time (a segment of RAM).
 */
const GLOBALS = [
  'globals:',
  'store-global-state: on',
  'only-migratable: off',
  'send-configuration: on',
  'send-section-footer: on',
  'decompress-error-check: on',
  'clear-bitmap-shift: 18',
] as const;

/** What `info migrate` shows. */
export function migrationText(info: MigrationInfo): string {
  const { status, ram, vfio } = info;
  const lines: string[] = [...GLOBALS];
  for (const reason of info['blocked-reasons'] ?? []) lines.push(`Outgoing migration blocked:\n  ${reason}`);
  if (status !== undefined) {
    const error = info['error-desc'] === undefined ? '' : ` (${info['error-desc']})`;
    lines.push(`Migration status: ${status}${error}`);
  }
  if (info.converging === false) lines.push('not converging: the guest writes as fast as it is sent');
  if (status !== undefined) lines.push(`total time: ${info['total-time'] ?? 0} ms`);
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

/** What `info vfio` shows: every device, and what it did in the last migration. */
export function vfioText(info: MigrationInfo, devices: readonly VfioDevice[]): string {
  return devices
    .map((device) => {
      const stats = info['vfio-devices']?.find((each) => each['qom-path'] === device.path);
      const failure = device.failure === undefined ? '' : ` (${device.failure})`;
      const title = `${device.path}: ${String(device.get('migration-state'))}${failure}\n`;
      if (stats === undefined) return title;
      return `${title}${statisticsLines(stats, info).join('')}`;
    })
    .join('');
}

function statisticsLines(stats: VfioDeviceStats, info: MigrationInfo): string[] {
  const lines: string[] = [];
  const stopCopy = stats['stop-copy-bytes'];
  lines.push(`  ${stopCopy === undefined ? 'received' : 'sent'}: ${size(stats.transferred)}\n`);
  if (stopCopy !== undefined && info.downtime === undefined) {
    const [initial = 0n, dirty = 0n] = [stats['initial-bytes'], stats['dirty-bytes']];
    lines.push(`  left: ${size(initial)} initial, ${size(dirty)} dirty; stopped now ${size(stopCopy)}\n`);
  }
  if (info.downtime !== undefined) lines.push(`  downtime: ${stats.downtime ?? 0n} of ${info.downtime} ms\n`);
  if (stats.transitions.length > 0) lines.push('        at ms       took ms  transition\n');
  for (const { from, to, start, duration } of stats.transitions) {
    lines.push(`  ${milliseconds(start, 11)}   ${milliseconds(duration, 11)}  ${from} -> ${to}\n`);
  }
  return lines;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

function size(bytes: bigint): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, Number(bytes))) / 10));
  return unit === 0 ? `${bytes} bytes` : `${(Number(bytes) / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`;
}

function milliseconds(microseconds: bigint, width: number): string {
  return (Number(microseconds) / 1000).toFixed(3).padStart(width);
}

/** How `info migrate_parameters` shows the names of disks and dirty bitmaps in the stream, where they are set. */
export function bitmapMappingText(nodes: readonly BitmapMigrationNodeAlias[] | undefined): string {
  if (nodes === undefined) return '';
  const lines = nodes.flatMap(({ alias, bitmaps, 'node-name': name }) => [
    `  '${name}' -> '${alias}'`,
    ...bitmaps.map((bitmap) => `    '${bitmap.name}' -> '${bitmap.alias}'`),
  ]);
  return ['block-bitmap-mapping:', ...lines, ''].join('\n');
}
