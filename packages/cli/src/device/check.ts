import { parseArgs } from 'node:util';
import { delay, SystemClock } from '@godwit/clock';
import {
  BLOCK_SIZE,
  type CheckOptions,
  checkDevice,
  checkRegion,
  createModel,
  type DmaMemory,
  MODEL_DEVICE_TYPE,
  MODELS,
  type ModelledDevice,
  modelProperties,
  PropertyError,
  type Report,
  reportText,
  V1Model,
  VfioError,
} from '@godwit/vfio';

/** Where a subcommand writes. */
interface Io {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export const usage = `godwit device check [--json] [--limit SECONDS] [MODEL[,PROPERTY=VALUE...]...]
Walks every arc, stream and error that the v2 uAPI has rules for, with devices of the models named
(default: all, by both protocols), and reports by rule. Properties are those of -device ${MODEL_DEVICE_TYPE}; unless
given, state-size is 256K, so that a check takes a moment. Exit codes: 0 all passed, 1 some failed, 2 wrong call.`;

/** The memory that checked devices write to, in bytes. */
const MEMORY_SIZE = 2 ** 20;

const DEFAULTS = {
  'state-size': 256 * 1024,
  'dirty-rate': '4M',
  'dma-rate': '4M',
  'dma-address': MEMORY_SIZE / 2,
  'dma-size': 16 * BLOCK_SIZE,
};

/** `godwit device check`: see {@link usage}. */
export async function run(args: string[], io: Io): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
    if (parsed.values.help) {
      io.stdout.write(`usage: ${usage}\n`);
      return 0;
    }
    // Making one of each finds every mistake in the call before anything is checked.
    for (const candidate of parsed.candidates) candidate.make().close();
  } catch (error) {
    if (!(error instanceof PropertyError) && !isArgumentError(error)) throw error;
    io.stderr.write(`${error.message}\nusage: ${usage}\n`);
    return 2;
  }
  const reports: NamedReport[] = [];
  for (const candidate of parsed.candidates) {
    for (const each of await reportsOn(candidate)) {
      reports.push(each);
      if (!parsed.values.json) io.stdout.write(`${reportText(each.name, each.report)}\n\n`);
    }
  }
  if (parsed.values.json) {
    const documents = reports.map(({ name, report }) => ({ device: name, ...report }));
    io.stdout.write(`${JSON.stringify(documents, null, 2)}\n`);
  }
  return reports.some(({ report }) => report.failed > 0) ? 1 : 0;
}

interface NamedReport {
  readonly name: string;
  readonly report: Report;
}

/** Devices to check, and what the kit needs for that. */
interface Candidate {
  readonly name: string;
  make(): ModelledDevice;
  readonly options: CheckOptions & Required<Pick<CheckOptions, 'limit'>>;
}

/** The report on a device; for one with a v1 region, the report on that first. */
async function reportsOn({ name, make, options }: Candidate): Promise<NamedReport[]> {
  const onDevice = { name, report: await checkDevice(make, options) };
  const sample = make();
  sample.close();
  if (!(sample instanceof V1Model)) return [onDevice];
  const report = await checkRegion(() => make() as V1Model, {
    preCopy: sample.flags.preCopy,
    limit: options.limit,
  });
  return [{ name, report }, onDevice];
}

function parse(args: string[]) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      json: { type: 'boolean' },
      limit: { type: 'string', default: '30' },
    },
  });
  const seconds = Number(values.limit);
  if (!(seconds > 0))
    throw new PropertyError('limit', `--limit takes a number of seconds, not '${values.limit}'`);
  const names =
    positionals.length > 0
      ? positionals
      : [...MODELS.keys()].flatMap((model) => [`${model},protocol=v2`, `${model},protocol=v1`]);
  return { values, candidates: names.map((name) => candidate(name, seconds * 1000)) };
}

/** Reads `MODEL,PROPERTY=VALUE,...`. */
function candidate(name: string, limitMs: number): Candidate {
  const [model = '', ...assignments] = name.split(',');
  const given = assignments.map((assignment): [string, string] => {
    const at = assignment.indexOf('=');
    return at < 0 ? [assignment, 'on'] : [assignment.slice(0, at), assignment.slice(at + 1)];
  });
  const known = new Set(modelProperties(model).map((property) => property.name));
  const small = known.has('aperture-size') ? { 'aperture-size': 4 * BLOCK_SIZE } : {};
  const disk = known.has('capacity') ? { capacity: 4 * BLOCK_SIZE } : {};
  const properties = { ...DEFAULTS, ...small, ...disk, ...Object.fromEntries(given) };
  const clock = new SystemClock();
  const environment = { clock, memory: new CheckMemory(), memorySize: MEMORY_SIZE, random: Math.random };
  return {
    name,
    make: () => createModel(model, properties, environment),
    options: {
      run: (ms) => delay(clock, ms),
      dmaRange: { iova: 0, length: MEMORY_SIZE },
      errorsOf: (device) => (device as ModelledDevice).verify().errors,
      limit: { clock, ms: limitMs },
    },
  };
}

class CheckMemory implements DmaMemory {
  readonly #bytes = new Uint8Array(MEMORY_SIZE);

  read(address: number, into: Uint8Array): void {
    this.#check(address, into.length);
    into.set(this.#bytes.subarray(address, address + into.length));
  }

  write(address: number, from: Uint8Array): void {
    this.#check(address, from.length);
    this.#bytes.set(from, address);
  }

  #check(address: number, length: number): void {
    if (address < 0 || address + length > MEMORY_SIZE) {
      throw new VfioError(
        'EFAULT',
        `[0x${address.toString(16)}, +${length}] is outside of the memory of the check`,
      );
    }
  }
}

function isArgumentError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && `${error.code}`.startsWith('ERR_PARSE_ARGS');
}
