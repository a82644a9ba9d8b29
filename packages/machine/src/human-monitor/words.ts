/**
 * The line without the blanks that it begins with. Blanks are those of ASCII, as C's isspace has them: JavaScript's `\s` and
 * `trim` know more.
 */
export function withoutBlanks(line: string): string {
  return line.replace(/^[ \t-\r]+/, '');
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r' };

/** A line of more words is none. */
const MAX_WORDS = 16;

/** A word, or what stands in double quotes, and where it ends. */
export interface Word {
  readonly text: string;
  readonly end: number;
}

/** The word that comes next after `start`; undefined where there is none, or the end of its quotes is missing. */
export function readWord(line: string, start: number): Word | undefined {
  const rest = line.slice(start);
  const text = withoutBlanks(rest);
  const blanks = rest.length - text.length;
  if (text === '') return undefined;
  if (!text.startsWith('"')) {
    const [word] = /^[^ \t-\r]+/.exec(text)!;
    return { text: word, end: start + blanks + word.length };
  }
  const [quoted, inside = ''] = /^"((?:[^"\\]|\\[nr\\'"])*)"/s.exec(text) ?? [];
  if (quoted === undefined) return undefined;
  return {
    text: inside.replaceAll(/\\(.)/g, (_, letter: string) => ESCAPES[letter] ?? letter),
    end: start + blanks + quoted.length,
  };
}

/** All words of a line; undefined for one that cannot be split, or has too many. */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  for (let at = 0; withoutBlanks(line.slice(at)) !== ''; ) {
    const word = readWord(line, at);
    if (word === undefined || words.length === MAX_WORDS) return undefined;
    words.push(word.text);
    at = word.end;
  }
  return words;
}
