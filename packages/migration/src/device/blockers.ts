import type { DeviceBlocker, DeviceEntry } from '../ports.js';

const texts: Readonly<Record<Exclude<DeviceBlocker, object>, string>> = {
  unsupported: 'VFIO migration is not supported in kernel',
  disabled: 'Migration is disabled for VFIO device',
  'no-dirty-tracking': "VFIO device doesn't support device and IOMMU dirty tracking",
};

/**
 * Whether the machine has to do with the device's migration at all. One without is left alone when the guest stops and
 * starts, and tells of no state, as with QEMU.
 */
export function hasMigration({ blocker }: DeviceEntry): boolean {
  return typeof blocker !== 'object' && blocker !== 'unsupported' && blocker !== 'disabled';
}

/** What is told of a device that this keeps from being migrated, without the name of the device. */
export function blockerText(blocker: DeviceBlocker): string {
  return typeof blocker === 'object' ? blocker.reason : texts[blocker];
}

/** Why these devices cannot be migrated now, in QEMU's words; empty where they can. */
export function migrationBlockers(devices: readonly DeviceEntry[]): string[] {
  const blockers: string[] = [];
  for (const { name, blocker } of devices) {
    if (blocker === undefined) continue;
    blockers.push(`${name}: ${blockerText(blocker)}`);
  }
  const migratable = devices.filter(hasMigration);
  if (migratable.length > 1 && migratable.some(({ device }) => !device.flags.p2p)) {
    blockers.push('Multiple VFIO devices migration is supported only if all of them support P2P migration');
  }
  return blockers;
}
