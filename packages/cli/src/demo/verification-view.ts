import type { Screen } from '../report/screen.js';
import { formatCount } from '../report/size.js';
import { type DeviceVerification, deviceIsWhole, type Verification } from './verification.js';

/** What the guest found on the destination. `names` are what devices are called, by their path. */
export function showVerification(
  screen: Screen,
  verification: Verification,
  names: ReadonlyMap<string, string>,
  whole: { readonly guest: boolean; readonly devices: boolean },
): void {
  const { pages, lost, torn, repeated, writtenSince, deviceAccesses, deviceFaults } = verification;
  const mark = (good: boolean) => (good ? screen.paint('✓', 'green') : screen.paint('✗', 'red'));
  const findings =
    lost + torn + repeated === 0
      ? 'none lost, torn or repeated'
      : `${formatCount(lost)} lost, ${formatCount(torn)} torn, ${formatCount(repeated)} repeated`;
  const nameWidth = Math.max(5, ...[...names.values()].map((name) => name.length));
  screen.print(
    'what the guest found on the destination',
    `  ${mark(whole.guest)} ${'guest'.padEnd(nameWidth)}  ${formatCount(pages)} pages of RAM: ${findings}; ${formatCount(writtenSince)} written since`,
    ...verification.devices.map((device) => {
      const name = (names.get(device.qomPath) ?? device.qomPath).padEnd(nameWidth);
      return `  ${mark(deviceIsWhole(device))} ${name}  ${deviceFindings(device)}`;
    }),
    `  ${mark(deviceFaults === 0)} ${'I/O'.padEnd(nameWidth)}  ${formatCount(deviceAccesses)} register checks: ${deviceFaults === 0 ? 'all as expected' : `${formatCount(deviceFaults)} wrong`}`,
  );
}

function deviceFindings({ blocks, errors, dmaPages, dmaErrors }: DeviceVerification): string {
  const state = `${formatCount(blocks)} blocks of its memory: ${errors === 0 ? 'all intact' : `${formatCount(errors)} wrong`}`;
  if (dmaPages === 0) return state;
  return `${state}; ${formatCount(dmaPages)} pages of DMA: ${dmaErrors === 0 ? 'all in place' : `${formatCount(dmaErrors)} wrong`}`;
}
