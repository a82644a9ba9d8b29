import { runMachine } from '@godwit/machine';
import type { CommandIo } from './command-io.js';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** `godwit machine [options]` */
export function run(args: readonly string[], { stdin, stdout, stderr }: CommandIo): Promise<number> {
  return runMachine(args, {
    pid: process.pid,
    stdin,
    stdout,
    report: (line) => stderr.write(`godwit machine: ${line}\n`),
    onTerminate: (callback) => {
      for (const signal of SIGNALS) process.on(signal, callback);
      return () => {
        for (const signal of SIGNALS) process.off(signal, callback);
      };
    },
  });
}
