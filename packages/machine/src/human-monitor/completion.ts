import { readdir, stat } from 'node:fs/promises';
import { isNamed, type MonitorCommand, type MonitorContext } from './command.js';
import { splitWords } from './words.js';

/** What a line could go on with. */
export interface Completions {
  /** Characters of the candidates that are typed already. */
  readonly typed: number;
  readonly candidates: readonly string[];
}

const NONE: Completions = { typed: 0, candidates: [] };
const MAX_CANDIDATES = 256;

/** What the last word of a line could be, up to the cursor; after a blank, the next one. */
export async function completeLine(
  line: string,
  table: readonly MonitorCommand[],
  context: MonitorContext,
): Promise<Completions> {
  const words = splitWords(line);
  if (words === undefined) return NONE;
  if (/[ \t-\r]$/.test(line)) words.push('');
  const { typed, candidates } = await completeWords(words, table, context);
  return { typed, candidates: [...new Set(candidates)].slice(0, MAX_CANDIDATES) };
}

async function completeWords(
  words: readonly string[],
  table: readonly MonitorCommand[],
  context: MonitorContext,
): Promise<Completions> {
  const available = table.filter(({ preconfig }) => context.machine.phase === 'ready' || preconfig === true);
  const [first = '', ...rest] = words;
  if (rest.length === 0) {
    const names = available.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]));
    return beginningWith(first, names);
  }
  const command = available.find((each) => isNamed(each, first));
  if (command === undefined) return NONE;
  if (command.subcommands !== undefined) return completeWords(rest, command.subcommands, context);
  if (command.name === 'help') return completeWords(rest, table, context);
  const last = rest.at(-1)!;
  const position = rest.length - 1;
  if (command.completions !== undefined) {
    return beginningWith(last, await command.completions(context, position));
  }
  const positional = command.arguments.filter(({ kind }) => kind !== 'flag' && kind !== 'option');
  return positional[position]?.kind === 'filename' ? completeFile(last) : NONE;
}

function beginningWith(prefix: string, candidates: readonly string[]): Completions {
  return { typed: prefix.length, candidates: candidates.filter((each) => each.startsWith(prefix)) };
}

/** Files of a folder; folders with a slash, so that one can go on. */
async function completeFile(input: string): Promise<Completions> {
  const folder = input.slice(0, input.lastIndexOf('/') + 1);
  const names = await readdir(folder === '' ? '.' : folder).catch(() => []);
  const files = names.map((name) => folder + name).filter((file) => file.startsWith(input));
  const candidates = await Promise.all(
    files.slice(0, MAX_CANDIDATES).map(async (file) => {
      const isFolder = await stat(file).then(
        (entry) => entry.isDirectory(),
        () => false,
      );
      return isFolder ? `${file}/` : file;
    }),
  );
  return { typed: input.length, candidates };
}
