import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { systemReason } from '@godwit/native';
import { StreamTransport, type Transport } from '@godwit/qmp';
import type { PathChardev } from './configuration.js';

/** Both ways, so that the pipe has no end when whoever is at the other side goes. */
const FLAGS = constants.O_RDWR | constants.O_NONBLOCK;

/**
 * Named pipes: `PATH.in` and `PATH.out`, or one at PATH for both ways.
 * @throws Error when there is none
 */
export function pipeTransport({ path }: PathChardev): Transport {
  const input = tryOpen(`${path}.in`);
  const output = input === undefined ? undefined : tryOpen(`${path}.out`);
  if (input !== undefined && output !== undefined) {
    // Each end is open both ways, and must not take back what it has written.
    return new StreamTransport({
      input: new Socket({ fd: input, readable: true, writable: false }),
      output: new Socket({ fd: output, readable: false, writable: true }),
    });
  }
  if (input !== undefined) closeSync(input);
  try {
    const both = new Socket({ fd: openSync(path, FLAGS), readable: true, writable: true });
    return new StreamTransport({ input: both, output: both });
  } catch (cause) {
    throw new Error(`Could not open '${path}': ${systemReason(cause)}`, { cause });
  }
}

function tryOpen(path: string): number | undefined {
  try {
    return openSync(path, FLAGS);
  } catch {
    return undefined;
  }
}
