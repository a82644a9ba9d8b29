import { DeviceState } from '@godwit/vfio/contract';
import type { DeviceEntry } from '../ports.js';

/** A device that did not reach the state it was asked for; it is in its recovery state, or was reset. */
export interface TransitionFailure {
  readonly entry: DeviceEntry;
  readonly error: Error;
}

/** Where a guest's stop takes a device without P2P, or one that is in the P2P state already. */
function stopped(state: DeviceState): DeviceState {
  return state === DeviceState.PRE_COPY || state === DeviceState.PRE_COPY_P2P
    ? DeviceState.STOP_COPY
    : DeviceState.STOP;
}

/**
 * Takes all devices to rest after the vCPUs have stopped, in reverse order of registration: first every device that
 * supports P2P to its P2P state, then all to STOP, or to STOP_COPY where the device is saving. Goes on after a failure.
 */
export async function stopDevices(devices: readonly DeviceEntry[]): Promise<TransitionFailure[]> {
  const failures: TransitionFailure[] = [];
  const reversed = [...devices].reverse();
  for (const { controller } of devices) await controller.settled();
  for (const entry of reversed) {
    const { device } = entry;
    if (!device.flags.p2p) continue;
    if (device.state === DeviceState.PRE_COPY) await attempt(entry, DeviceState.PRE_COPY_P2P, failures);
    else if (device.state === DeviceState.RUNNING) await attempt(entry, DeviceState.RUNNING_P2P, failures);
  }
  for (const entry of reversed) {
    const { state } = entry.device;
    if (state === DeviceState.STOP || state === DeviceState.STOP_COPY) continue;
    await attempt(entry, stopped(state), failures);
  }
  return failures;
}

/**
 * Takes all devices to RUNNING before the vCPUs start, in order of registration: first every device that supports P2P
 * to RUNNING_P2P, one that runs already too (after power-on, or a reset), for the others are not ready to be reached; then
 * all to RUNNING. A device that fails is reset, which leaves it RUNNING.
 */
export async function startDevices(devices: readonly DeviceEntry[]): Promise<TransitionFailure[]> {
  const failures: TransitionFailure[] = [];
  for (const { controller } of devices) await controller.settled();
  for (const entry of devices) {
    if (entry.device.flags.p2p) await attempt(entry, DeviceState.RUNNING_P2P, failures);
  }
  for (const entry of devices) await attempt(entry, DeviceState.RUNNING, failures);
  return failures;
}

async function attempt(
  entry: DeviceEntry,
  wanted: DeviceState,
  failures: TransitionFailure[],
): Promise<void> {
  try {
    await entry.controller.setState(wanted);
  } catch (cause) {
    failures.push({ entry, error: cause instanceof Error ? cause : new Error(String(cause)) });
  }
}
