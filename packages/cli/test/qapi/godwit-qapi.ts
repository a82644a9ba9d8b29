import { run } from '../../src/qapi/index.js';

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `godwit qapi ARGS…` in this process. */
export async function godwitQapi(...args: string[]): Promise<Result> {
  let stdout = '';
  let stderr = '';
  const status = await run(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { status, stdout, stderr };
}
