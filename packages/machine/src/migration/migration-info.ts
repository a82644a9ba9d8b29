import type { IncomingStatistics, OutgoingStatistics, Transition } from '@godwit/migration';
import { stateName } from '@godwit/vfio/contract';
import type {
  MigrationInfo,
  MigrationStats,
  MigrationStatus,
  VfioDeviceStats,
  VfioTransition,
} from '../generated/index.js';

/** What an error explains. */
const EXPLAINED: readonly MigrationStatus[] = ['failed', 'postcopy-paused'];

/** What query-migrate tells of an outgoing migration. */
export function outgoingInfo(statistics: OutgoingStatistics): MigrationInfo {
  const { status } = statistics;
  const info: MigrationInfo = { status };
  if (statistics.error !== undefined && EXPLAINED.includes(status)) info['error-desc'] = statistics.error;
  if (status === 'setup' || status === 'cancelled' || status === 'failed' || status === 'none') return info;
  info['total-time'] = whole(statistics.totalTime);
  info['setup-time'] = whole(statistics.setupTime);
  info.ram = ramStats(statistics);
  // As in QEMU: nobody writes here any more.
  if (status === 'completed') info.ram['dirty-pages-rate'] = 0n;
  if (statistics.devices.length > 0) {
    info.vfio = { transferred: whole(statistics.vfio.transferred) };
    info['vfio-devices'] = statistics.devices.map((device) => outgoingDevice(device, statistics.startedAt));
  }
  if (statistics.cpuThrottlePercentage > 0) {
    info['cpu-throttle-percentage'] = whole(statistics.cpuThrottlePercentage);
  }
  if (status === 'active') info.converging = statistics.converging;
  if (status !== 'completed') info['expected-downtime'] = whole(statistics.expectedDowntime);
  else if (statistics.downtime !== undefined) info.downtime = whole(statistics.downtime);
  return info;
}

/** What query-migrate tells of an incoming migration. */
export function incomingInfo(statistics: IncomingStatistics): MigrationInfo {
  const info: MigrationInfo = { status: statistics.status };
  const { status, error } = statistics;
  if (error !== undefined && EXPLAINED.includes(status)) info['error-desc'] = error;
  if (statistics.devices.length > 0) {
    info.vfio = { transferred: whole(statistics.vfio.transferred) };
    info['vfio-devices'] = statistics.devices.map(({ id, qomPath, state, received, transitions }) => ({
      id,
      'qom-path': qomPath,
      'device-state': stateName(state),
      transferred: whole(received),
      transitions: transitions.map((each) => transitionInfo(each, statistics.startedAt)),
    }));
  }
  return info;
}

function outgoingDevice(device: OutgoingStatistics['devices'][number], startedAt: number): VfioDeviceStats {
  return {
    id: device.id,
    'qom-path': device.qomPath,
    'device-state': stateName(device.state),
    transferred: whole(device.sent),
    'initial-bytes': whole(device.left.initial),
    'dirty-bytes': whole(device.left.dirty),
    'stop-copy-bytes': whole(device.left.stopCopy),
    downtime: whole(device.downtime),
    transitions: device.transitions.map((each) => transitionInfo(each, startedAt)),
  };
}

function transitionInfo(
  { from, to, startedAt, durationMs }: Transition,
  migrationStart: number,
): VfioTransition {
  return {
    from: stateName(from),
    to: stateName(to),
    start: whole((startedAt - migrationStart) * 1000),
    duration: whole(durationMs * 1000),
  };
}

function ramStats({ ram, sent }: OutgoingStatistics): MigrationStats {
  return {
    // As in QEMU, all bytes of the migration count as transferred.
    transferred: whole(sent),
    remaining: whole(ram.remaining),
    total: whole(ram.total),
    duplicate: whole(ram.duplicate),
    normal: whole(ram.normal),
    'normal-bytes': whole(ram.normalBytes),
    'dirty-pages-rate': whole(ram.dirtyPagesRate),
    mbps: ram.mbps,
    'dirty-sync-count': whole(ram.dirtySyncCount),
    'postcopy-requests': 0n,
    'page-size': whole(ram.pageSize),
    'multifd-bytes': whole(ram.multifdBytes),
    'pages-per-second': whole(ram.pagesPerSecond),
    'precopy-bytes': whole(ram.precopyBytes),
    'downtime-bytes': whole(ram.downtimeBytes),
    'postcopy-bytes': 0n,
    'dirty-sync-missed-zero-copy': 0n,
  };
}

function whole(value: number): bigint {
  return BigInt(Math.round(value));
}
