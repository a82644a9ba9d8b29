import { freemem, tmpdir } from 'node:os';
import { SystemClock } from '@godwit/clock';
import { nativeUnavailableReason } from '@godwit/native';
import { Failure, type Io } from '../io.js';
import { type Output, Screen } from '../report/screen.js';
import { runDemo } from './demo.js';
import { parseOptions } from './options.js';
import { succeeded } from './result.js';

/** Signals that end a demo, and what its process returns then, as a shell has it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** The same for SIGPIPE, which Node turns into an error of the stream: nobody reads the output any more. */
const PIPE_CLOSED = 141;

export { USAGE as usage } from './options.js';

/** `godwit demo [options]` */
export async function run(args: readonly string[], { stdout }: Io): Promise<number> {
  const options = parseOptions(args);
  const abort = new AbortController();
  let interruption: number | undefined;
  const interruptBy = (exitCode: number): void => {
    interruption ??= exitCode;
    abort.abort(new Error('interrupted'));
  };
  const interrupt = (signal: keyof typeof SIGNALS): void => interruptBy(SIGNALS[signal]);
  const pipeClosed = (): void => interruptBy(PIPE_CLOSED);
  stdout.on('error', pipeClosed);
  for (const signal of Object.keys(SIGNALS)) process.on(signal, interrupt);
  const silent: Output = { write: () => true };
  try {
    const result = await runDemo(options, {
      clock: new SystemClock(),
      godwit: process.argv[1]!,
      screen: new Screen(options.json ? silent : (stdout as Output), process.env),
      availableMemory: freemem(),
      temporaryFolder: tmpdir(),
      nativeUnavailableReason,
      signal: abort.signal,
    });
    if (options.json) stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return succeeded(result) ? 0 : 1;
  } catch (error) {
    if (interruption !== undefined) return interruption;
    throw new Failure(error instanceof Error ? error.message : String(error), { cause: error });
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, interrupt);
    stdout.off('error', pipeClosed);
  }
}
