import { tmpdir } from 'node:os';
import { SystemClock } from '@godwit/clock';
import { nativeUnavailableReason } from '@godwit/native';
import type { CommandIo } from '../command-io.js';
import { runDemo } from './demo.js';
import { parseOptions, USAGE, UsageError } from './options.js';
import { succeeded } from './result.js';
import { type Output, Screen } from './screen.js';

/** Signals that end a demo, and what its process returns then, as a shell has it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
/** The same for SIGPIPE, which Node turns into an error of the stream: nobody reads the output any more. */
const PIPE_CLOSED = 141;

/** `godwit demo [options]` */
export async function run(args: readonly string[], { stdout, stderr }: CommandIo): Promise<number> {
  let options: ReturnType<typeof parseOptions>;
  try {
    options = parseOptions(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`godwit demo: ${error.message}\n`);
    return 1;
  }
  if (options === 'help') {
    stdout.write(USAGE);
    return 0;
  }
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
      temporaryFolder: tmpdir(),
      nativeUnavailableReason,
      signal: abort.signal,
    });
    if (options.json) stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
    return succeeded(result) ? 0 : 1;
  } catch (error) {
    if (interruption !== undefined) return interruption;
    stderr.write(`godwit demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    for (const signal of Object.keys(SIGNALS)) process.off(signal, interrupt);
    stdout.off('error', pipeClosed);
  }
}
