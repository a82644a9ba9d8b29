import type { VfioDevice } from '../devices/index.js';
import type { MigrationInfo } from '../generated/index.js';

/** What `info migrate` shows. */
export function migrationText(info: MigrationInfo): string {
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

/** What `info vfio` shows: every device, and what it did in the last migration. */
export function vfioText(info: MigrationInfo, devices: readonly VfioDevice[]): string {
  return devices
    .map((device) => {
      const stats = info['vfio-devices']?.find((each) => each['qom-path'] === device.path);
      const failure = device.failure === undefined ? '' : ` (${device.failure})`;
      const title = `${device.path}: ${String(device.get('migration-state'))}${failure}\n`;
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
