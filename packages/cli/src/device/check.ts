import { parseArgs } from 'node:util';
import { MODEL_DEVICE_TYPE, MODELS, PropertyError, reportText } from '@godwit/vfio';
import { type Io, UsageError } from '../io.js';
import type { Candidate, NamedReport } from './candidate.js';
import { modelCandidate } from './model-candidate.js';
import { serverCandidate } from './server-candidate.js';
import { socketCandidate } from './socket-candidate.js';

export const usage = `godwit device check [OPTIONS] [MODEL[,PROPERTY=VALUE...]...]

Walks every arc, stream and error that linux/vfio.h has rules for, and reports by rule. Checked are devices of the
models named, and those of servers; where neither is given, all models by both protocols.
Models: ${[...MODELS.keys()].join(', ')}. Properties are those of -device ${MODEL_DEVICE_TYPE}; state-size is 256K unless given.

  --socket PATH       the device of the vfio-user server there
  --server COMMAND    the devices of servers that are started as COMMAND SOCKET, one for each device that a rule asks
                      for: where a server serves one client only, or does not outlive every rule
  --limit SECONDS     how long a rule may take (30)
  --json              print JSON instead

Of a server the report also names what it does not offer.
Exit codes: 0 no rule broken, 1 some broken or a device could not be checked, 2 wrong call.`;

/** `godwit device check`: see {@link usage}. */
export async function run(args: string[], io: Io): Promise<number> {
  const call = parse(args);
  const reports: NamedReport[] = [];
  const unchecked: { device: string; error: string }[] = [];
  for (const candidate of call.candidates) {
    try {
      for (const each of await candidate.check()) {
        reports.push(each);
        if (!call.json) io.stdout.write(`${reportText(each.name, each.report)}${lackText(each)}\n\n`);
      }
    } catch (error) {
      // The server cannot be reached, or is no vfio-user server; the others are checked all the same.
      const reason = error instanceof Error ? error.message : String(error);
      unchecked.push({ device: candidate.name, error: reason });
      io.stderr.write(`godwit device check: ${candidate.name}: ${reason}\n`);
    }
  }
  if (call.json) {
    const documents = reports.map(({ name, report, notOffered }) => ({
      device: name,
      ...(notOffered && { notOffered }),
      ...report,
    }));
    io.stdout.write(`${JSON.stringify([...documents, ...unchecked], null, 2)}\n`);
  } else if (call.candidates.length > 1) io.stdout.write(`${totals(reports, unchecked.length)}\n`);
  return unchecked.length > 0 || reports.some(({ report }) => report.failed > 0) ? 1 : 0;
}

/** The last line of a check of several devices. */
function totals(reports: readonly NamedReport[], unchecked: number): string {
  const failed = reports.filter(({ report }) => report.failed > 0).map(({ name }) => name);
  const verdict = failed.length === 0 ? 'no rule broken' : `broken by ${[...new Set(failed)].join('; ')}`;
  return `${reports.length} reports: ${verdict}${unchecked === 0 ? '' : `; ${unchecked} could not be checked`}`;
}

function lackText({ notOffered }: NamedReport): string {
  return notOffered === undefined || notOffered.length === 0 ? '' : `\nnot offered: ${notOffered.join('; ')}`;
}

function parse(args: string[]): { json: boolean; candidates: Candidate[] } {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      limit: { type: 'string', default: '30' },
      socket: { type: 'string', multiple: true, default: [] },
      server: { type: 'string', multiple: true, default: [] },
    },
  });
  const { json, limit, socket: sockets, server: servers } = values;
  const limitMs = Number(limit) * 1000;
  if (!(limitMs > 0)) throw new UsageError(`--limit takes a number of seconds, not '${limit}'`);
  const everyModel = () =>
    [...MODELS.keys()].flatMap((model) => [`${model},protocol=v2`, `${model},protocol=v1`]);
  const given = positionals.length + sockets.length + servers.length;
  const models = given > 0 ? positionals : everyModel();
  return {
    json,
    candidates: [
      ...sockets.map((path) => socketCandidate(path, limitMs)),
      ...servers.map((command) => serverCandidate(command, limitMs)),
      ...models.map((name) => candidateOf(name, limitMs)),
    ],
  };
}

function candidateOf(model: string, limitMs: number): Candidate {
  try {
    return modelCandidate(model, limitMs);
  } catch (error) {
    throw error instanceof PropertyError ? new UsageError(error.message) : error;
  }
}
