import type { MachineConfiguration } from '../options/configuration.js';

const MIB = 1024 ** 2;

/** The first line of the console. */
export function consoleBanner({ name, topology, memory }: MachineConfiguration): string {
  const title = `\x1b[1mGodwit\x1b[0m machine${name === undefined ? '' : ` \x1b[1m${name}\x1b[0m`}`;
  const cpus = topology.cpus === 1 ? '1 vCPU' : `${topology.cpus} vCPUs`;
  return `${title}: ${cpus}, ${memory / MIB} MiB of RAM, accelerator sim`;
}
