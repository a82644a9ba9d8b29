import type { Readable, Writable } from 'node:stream';
import type { Clock } from '@godwit/clock';
import type { Native } from '@godwit/native';

/** What a machine uses of the world around it. */
export interface MachineEnvironment {
  readonly clock: Clock;
  /** Numbers from 0 to below 1. */
  readonly random: () => number;
  /** Without it there are no descriptors over sockets, and other processes cannot map guest RAM. */
  readonly native?: Native;
  /** One thread for each vCPU and iothread; otherwise vCPUs are stepped by timers of the clock, as tests want it. */
  readonly threads: boolean;
  /** What the character device `stdio` talks through. */
  readonly stdio?: { readonly input: Readable; readonly output: Writable };
  /** Says something to whoever runs the machine: a warning, or a failure that no command asked about. */
  readonly warn: (message: string) => void;
}
