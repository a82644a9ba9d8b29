import { type Result, runInProcess } from '../run-in-process.js';

/** Runs `godwit qapi ARGS…` in this process. */
export function godwitQapi(...args: string[]): Promise<Result> {
  return runInProcess('qapi', ...args);
}
