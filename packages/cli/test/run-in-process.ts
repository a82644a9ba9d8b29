import { Readable, Writable } from 'node:stream';
import { main } from '../src/main.js';

export interface Result {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `godwit ARGS…` in this process. */
export async function runInProcess(...args: string[]): Promise<Result> {
  const stdout = new Collector();
  const stderr = new Collector();
  const status = await main(args, { stdin: Readable.from([]), stdout, stderr });
  return { status, stdout: stdout.text, stderr: stderr.text };
}

class Collector extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
