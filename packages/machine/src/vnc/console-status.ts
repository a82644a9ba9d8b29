import type { Machine } from '../machine.js';

/** What the last line says: the name, the run state, and how far the guest's workload is. */
export function consoleStatus({ configuration: { name }, guest, hardware }: Machine): string {
  const { pagesWritten, lost, torn, repeated } = hardware.accelerator.report();
  const faults = lost + torn + repeated;
  const parts = [
    name ?? 'godwit',
    guest.runState,
    `${pagesWritten.toLocaleString('en')} pages written`,
    faults === 0 ? 'no faults' : `${faults} faults`,
  ];
  return ` ${parts.join(' | ')}`;
}
