import { runMachine } from '@godwit/machine';
import type { Io } from './io.js';

/** What ends a machine from outside; `disconnect`: the process that started it with a channel (child_process.fork) is gone. */
const ENDINGS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'disconnect'] as const;

/** `godwit machine [options]` */
export function run(args: readonly string[], { stdin, stdout, stderr }: Io): Promise<number> {
  return runMachine(args, {
    pid: process.pid,
    stdin,
    stdout,
    report: (line, stamp = '') => stderr.write(`${stamp}godwit machine: ${line}\n`),
    onTerminate: (callback) => {
      for (const ending of ENDINGS) process.on(ending, callback);
      return () => {
        for (const ending of ENDINGS) process.off(ending, callback);
      };
    },
  });
}
