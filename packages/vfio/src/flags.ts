import { VfioError } from './error.js';
import { DeviceState } from './states.js';

/** `VFIO_MIGRATION_*` flags (linux/vfio.h): what a device's migration offers beyond STOP_COPY, which is mandatory. */
export interface MigrationFlags {
  readonly p2p: boolean;
  readonly preCopy: boolean;
}

/** The bits of `struct vfio_device_feature_migration.flags`. */
export const MigrationFlag = { STOP_COPY: 1, P2P: 2, PRE_COPY: 4 } as const;

/** What a device must offer for a state to exist; ERROR is never offered. */
const FLAGS_OF_STATE: Readonly<Record<DeviceState, number>> = {
  [DeviceState.ERROR]: ~0,
  [DeviceState.STOP]: MigrationFlag.STOP_COPY,
  [DeviceState.RUNNING]: MigrationFlag.STOP_COPY,
  [DeviceState.STOP_COPY]: MigrationFlag.STOP_COPY,
  [DeviceState.RESUMING]: MigrationFlag.STOP_COPY,
  [DeviceState.RUNNING_P2P]: MigrationFlag.STOP_COPY | MigrationFlag.P2P,
  [DeviceState.PRE_COPY]: MigrationFlag.STOP_COPY | MigrationFlag.PRE_COPY,
  [DeviceState.PRE_COPY_P2P]: MigrationFlag.STOP_COPY | MigrationFlag.P2P | MigrationFlag.PRE_COPY,
};

/** The flags as {@link MigrationFlag} has them, STOP_COPY included. */
export function flagBits(flags: MigrationFlags): number {
  return (
    MigrationFlag.STOP_COPY |
    (flags.p2p ? MigrationFlag.P2P : 0) |
    (flags.preCopy ? MigrationFlag.PRE_COPY : 0)
  );
}

/** The reverse of {@link flagBits}. Unknown bits are ignored; ENOTTY without STOP_COPY, for that device does not migrate. */
export function flagsOfBits(bits: number): MigrationFlags {
  if ((bits & MigrationFlag.STOP_COPY) === 0) {
    throw new VfioError(
      'ENOTTY',
      `migration flags 0x${bits.toString(16)} lack STOP_COPY, which is mandatory`,
    );
  }
  return { p2p: (bits & MigrationFlag.P2P) !== 0, preCopy: (bits & MigrationFlag.PRE_COPY) !== 0 };
}

/** Whether a device with these flags can be asked for `state`. */
export function offersState(flags: MigrationFlags, state: DeviceState): boolean {
  const needed = FLAGS_OF_STATE[state];
  return (flagBits(flags) & needed) === needed;
}
