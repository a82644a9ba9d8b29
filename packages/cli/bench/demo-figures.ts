import { freemem, tmpdir } from 'node:os';
import type { Clock } from '@godwit/clock';
import { nativeUnavailableReason } from '@godwit/native';
import { runDemo } from '../src/demo/demo.js';
import { DEFAULT_OPTIONS } from '../src/demo/options.js';
import type { Progress } from '../src/report/progress.js';
import { Screen } from '../src/report/screen.js';
import { GODWIT } from './machine-figures.js';

export interface DemoFigures {
  readonly totalMs: number;
  readonly downtimeMs: number;
  /** RAM and device state that were left at the switchover. */
  readonly bytesLeft: number;
  /** Bytes per second that the source counted on. */
  readonly bandwidth: number;
}

/** Runs the demo as it is by default, and looks at its switchover. */
export async function demoFigures(clock: Clock): Promise<DemoFigures> {
  const seen: Progress[] = [];
  const { status, verified, downtimeMs, totalMs } = await runDemo(DEFAULT_OPTIONS, {
    clock,
    godwit: GODWIT,
    screen: new Screen({ write: () => true }, {}),
    availableMemory: freemem(),
    temporaryFolder: tmpdir(),
    nativeUnavailableReason,
    signal: new AbortController().signal,
    pollMs: 5,
    onProgress: (progress) => seen.push(progress),
  });
  const running = seen.findLast((progress) => progress.status === 'active');
  const last = seen.at(-1);
  if (status !== 'completed' || !verified.guest || !verified.devices)
    throw new Error('the demo did not succeed');
  if (downtimeMs === null || running === undefined || last === undefined)
    throw new Error('there was no switchover');
  const deviceBytes = (progress: Progress) =>
    progress.devices.reduce((sum, { transferred }) => sum + transferred, 0);
  const bytesLeft = last.ram.downtimeBytes + deviceBytes(last) - deviceBytes(running);
  return { totalMs, downtimeMs, bytesLeft, bandwidth: running.bandwidth };
}
