import type { Machine } from '../machine.js';

const MIB = 1024 ** 2;

/** The first line of the console. */
export function consoleBanner({ configuration: { name, topology, memory } }: Machine): string {
  const title = `\x1b[1mGodwit\x1b[0m machine${name === undefined ? '' : ` \x1b[1m${name}\x1b[0m`}`;
  const cpus = topology.cpus === 1 ? '1 vCPU' : `${topology.cpus} vCPUs`;
  return `${title}: ${cpus}, ${memory / MIB} MiB of RAM, accelerator sim`;
}

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
