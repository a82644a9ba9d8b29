import type { Readable, Writable } from 'node:stream';
import { SystemClock } from '@godwit/clock';
import { native } from '@godwit/native';
import { Machine } from '../machine.js';
import { type CommandLine, parseCommandLine } from '../options/command-line.js';
import { configurationFrom, lastText } from '../options/configuration.js';
import { OptionError } from '../options/option-error.js';
import { VERSION } from '../version.js';
import { listAskedFor } from './lists.js';
import { writePidFile } from './pid-file.js';

/** What the command gives a machine of its process. */
export interface MachineProcess {
  readonly pid: number;
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Says one line to the user, without a line end. The stamp comes before all else in it. */
  readonly report: (line: string, stamp?: string) => void;
  /** Calls back when the process is asked to end (SIGTERM, SIGINT, SIGHUP); returns how to stop that. */
  readonly onTerminate: (callback: (signal: string) => void) => () => void;
}

/**
 * Runs `godwit machine` with these arguments, until the machine ends.
 * @returns the exit code; 1 for arguments that are wrong, which is said in one line
 */
export async function runMachine(args: readonly string[], process: MachineProcess): Promise<number> {
  let machine: Machine | undefined;
  let report = process.report;
  const cleanUp: (() => Promise<void> | void)[] = [];
  try {
    const list = await listAskedFor(args);
    if (list !== undefined) {
      process.stdout.write(list);
      return 0;
    }
    const line = parseCommandLine(args);
    if (line.switches.has('help') || line.switches.has('h')) {
      const { helpText } = await import('./help.js');
      process.stdout.write(helpText());
      return 0;
    }
    if (line.switches.has('version')) {
      const { major, minor, micro } = VERSION.qemu;
      process.stdout.write(`${VERSION.package} (QEMU interface ${major}.${minor}.${micro})\n`);
      return 0;
    }
    const configuration = configurationFrom(line);
    const stamp = stampOf(line, configuration.name);
    report = (text) => process.report(text, stamp());
    const pidFile = lastText(line, 'pidfile');
    if (pidFile !== undefined) cleanUp.push(await writePidFile(pidFile, process.pid));
    // From the first socket on there is something to remove.
    let terminated = false;
    cleanUp.push(
      process.onTerminate(() => {
        terminated = true;
        void machine?.shutdown('host-signal');
      }),
    );
    machine = await Machine.create(configuration, {
      clock: new SystemClock(),
      random: Math.random,
      ...(native === undefined ? {} : { native }),
      threads: true,
      stdio: { input: process.stdin, output: process.stdout },
      warn: report,
    });
    const running = machine;
    if (terminated) return 0;
    // A client that is waited for may never come, and the machine may be ended meanwhile.
    await Promise.race([running.chardevs.awaitClients(), running.ended]);
    // The guest starts before the first command is read, so that none can come too early.
    const launched = running.launch();
    // Who sees a monitor answer may send a migration: it is listened for by then.
    if (configuration.incoming !== undefined) await launched;
    await Promise.all([launched, running.openMonitors(...configuration.monitors)]);
    const { exitCode } = await running.ended;
    return exitCode;
  } catch (error) {
    report(oneLine(error));
    return 1;
  } finally {
    await machine?.close();
    for (const undo of cleanUp.reverse()) await undo();
  }
}

/** What every message begins with (-msg). */
function stampOf(line: CommandLine, name: string | undefined): () => string {
  const { timestamp = false, 'guest-name': named = false } = line.groups.get('msg')?.[0]?.values ?? {};
  const clock = new SystemClock();
  const guest = named === true && name !== undefined ? `${name} ` : '';
  return () => (timestamp === true ? `${isoTime(clock.wallMicroseconds())} ${guest}` : guest);
}

/** To the microsecond, in UTC. */
function isoTime(microseconds: number): string {
  const seconds = new Date(microseconds / 1000).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);
  return `${seconds}.${String(Math.floor(microseconds) % 1_000_000).padStart(6, '0')}Z`;
}

function oneLine(error: unknown): string {
  const text =
    error instanceof OptionError ? error.withHint : error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s*\n\s*/g, '; ');
}
