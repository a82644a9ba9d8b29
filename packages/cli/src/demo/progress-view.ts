import type { Progress } from '../report/progress.js';
import type { Screen } from '../report/screen.js';
import { formatBytes, formatDuration } from '../report/size.js';

const BAR_CELLS = 24;
/** Between two plain lines that differ in figures only, in milliseconds. */
const PLAIN_INTERVAL_MS = 500;

/** Shows a migration under way: a block that changes in place on a terminal, a line now and then elsewhere. */
export class ProgressView {
  readonly #screen: Screen;
  #lastStatus = '';
  #lastAt = Number.NEGATIVE_INFINITY;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  show(progress: Progress): void {
    if (this.#screen.live) {
      this.#screen.update(this.#block(progress));
      return;
    }
    const { status, elapsedMs } = progress;
    if (status === this.#lastStatus && elapsedMs - this.#lastAt < PLAIN_INTERVAL_MS) return;
    this.#lastStatus = status;
    this.#lastAt = elapsedMs;
    this.#screen.print(plainLine(progress));
  }

  #block(progress: Progress): string[] {
    const { ram, devices, status, elapsedMs } = progress;
    const sent = ram.total === 0 ? 0 : Math.max(0, 1 - ram.remaining / ram.total);
    const filled = Math.round(sent * BAR_CELLS);
    const bar =
      this.#screen.paint('█'.repeat(filled), 'green') +
      this.#screen.paint('░'.repeat(BAR_CELLS - filled), 'dim');
    const nameWidth = Math.max(3, ...devices.map(({ id }) => id.length));
    const head = `  ${this.#screen.paint(status.padEnd(nameWidth), 'bold')}  ${formatDuration(elapsedMs)}`;
    if (ram.total === 0) return [head];
    return [
      `${head}, ${rates(progress)}`,
      `  ${'RAM'.padEnd(nameWidth)}  ${bar}  ${formatBytes(ram.remaining)} left, pass ${ram.rounds}`,
      ...devices.map(
        ({ id, state, transferred }) =>
          `  ${id.padEnd(nameWidth)}  ${formatBytes(transferred)} sent, ${state}`,
      ),
    ];
  }
}

function plainLine(progress: Progress): string {
  const { ram, devices, status, elapsedMs } = progress;
  const when = `  ${formatDuration(elapsedMs).padStart(8)}  ${status}`;
  // Before there is a figure for RAM there is nothing to tell.
  if (ram.total === 0) return when;
  const parts = [
    `RAM ${formatBytes(ram.remaining)} left in pass ${ram.rounds}`,
    rates(progress),
    ...devices.map(({ id, transferred }) => `${id} ${formatBytes(transferred)}`),
  ];
  return `${when.padEnd(22)} ${parts.join(', ')}`;
}

function rates({ throughput, throttle, ram }: Progress): string {
  const slowed = throttle === 0 ? '' : `, vCPUs slowed by ${throttle} %`;
  // What the guest makes dirty is known when the first pass has ended.
  const dirtied = ram.rounds <= 1 ? '' : `, ${formatBytes(ram.dirtyRate)}/s dirtied`;
  return `${formatBytes(throughput)}/s sent${dirtied}${slowed}`;
}
