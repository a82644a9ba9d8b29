import { OptionError } from './option-error.js';
import type { OptionValues } from './option-group.js';

/** How many vCPUs there are and how they sit together (-smp). */
export interface Topology {
  readonly cpus: number;
  readonly maxCpus: number;
  readonly sockets: number;
  readonly dies: number;
  readonly clusters: number;
  readonly cores: number;
  readonly threads: number;
}

/** The most vCPUs that a machine can have. */
export const MAX_CPUS = 64;

/**
 * Completes what -smp left out: what is not given is 1, and the number of sockets, or else of cores, follows from the
 * number of vCPUs.
 * @throws OptionError
 */
export function parseTopology(values: OptionValues): Topology {
  const given = (name: string): number | undefined => {
    const value = values[name];
    if (value === undefined) return undefined;
    if (value === 0n)
      throw new OptionError('Invalid CPU topology: CPU topology parameters must be greater than zero');
    return Number(value);
  };
  const dies = given('dies') ?? 1;
  const clusters = given('clusters') ?? 1;
  const threads = given('threads') ?? 1;
  let sockets = given('sockets');
  let cores = given('cores');
  const wanted = given('maxcpus') ?? given('cpus');
  if (wanted === undefined) {
    sockets ??= 1;
    cores ??= 1;
  } else if (cores === undefined) {
    sockets ??= 1;
    cores = Math.floor(wanted / (sockets * dies * clusters * threads));
  } else {
    sockets ??= Math.floor(wanted / (dies * clusters * cores * threads));
  }
  const product = sockets * dies * clusters * cores * threads;
  const maxCpus = given('maxcpus') ?? given('cpus') ?? product;
  const cpus = given('cpus') ?? maxCpus;
  const parts = `sockets (${sockets}) * dies (${dies}) * cores (${cores}) * threads (${threads})`;
  if (product !== maxCpus) {
    throw new OptionError(
      `Invalid CPU topology: product of the hierarchy must match maxcpus: ${parts} != maxcpus (${maxCpus})`,
    );
  }
  if (cpus > maxCpus) {
    throw new OptionError(
      `Invalid CPU topology: maxcpus must be equal to or greater than smp: ${parts} == maxcpus (${maxCpus}) < smp_cpus (${cpus})`,
    );
  }
  if (maxCpus > MAX_CPUS) {
    throw new OptionError(
      `Invalid SMP CPUs ${maxCpus}. The max CPUs supported by machine 'sim' is ${MAX_CPUS}`,
    );
  }
  return { cpus, maxCpus, sockets, dies, clusters, cores, threads };
}
