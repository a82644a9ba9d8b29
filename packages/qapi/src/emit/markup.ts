/**
 * Turns the reST of schema documentation into the Markdown of TSDoc, as far as the two differ in what schemas use:
 * literals, references, roles, literal blocks and the directives for notes and examples. Everything else stays.
 */
export function toMarkdown(text: string): string[] {
  const lines = withoutIndent(text.replace(/\s+$/, '').split('\n'));
  const result: string[] = [];
  for (let index = 0; index < lines.length; ) {
    const line = lines[index]!;
    const directive = /^(\s*)\.\. ([a-z-]+)::\s*(.*)$/.exec(line);
    const opensBlock = directive === null ? /^(.*\S)?::$/.test(line.trimEnd()) : true;
    if (!opensBlock) {
      result.push(inline(line));
      index += 1;
      continue;
    }
    const block = blockAfter(lines, index);
    if (directive === null) {
      const lead = line.trimEnd().replace(/\s*::$/, ':');
      if (lead.trim() !== ':') result.push(inline(lead));
      result.push(...fenced(block.lines));
    } else {
      result.push(...directiveLines(directive[2]!, directive[3]!, block.lines));
    }
    index = block.end;
  }
  return result;
}

function directiveLines(name: string, argument: string, block: readonly string[]): string[] {
  if (name === 'qmp-example' || name === 'code-block') {
    const title = block
      .find((line) => line.startsWith(':title:'))
      ?.slice(':title:'.length)
      .trim();
    const body = block.filter((line) => !/^:[a-z]+:/.test(line));
    const label =
      name === 'code-block' ? [] : [title === undefined ? 'Example:' : inline(`Example: ${title}`)];
    return [...label, ...fenced(body)];
  }
  const label = `${name[0]!.toUpperCase()}${name.slice(1)}:`;
  const first = argument === '' ? [] : [argument];
  const [head = '', ...rest] = [...first, ...withoutBlankEnds(block)];
  return [inline(`${label} ${head}`), ...rest.map(inline)];
}

/** Sections are written indented, or with all lines but the first indented. */
function withoutIndent(lines: readonly string[]): readonly string[] {
  const [first = '', ...rest] = lines;
  const hanging = indentOf(first) === 0 && !first.startsWith('..') && !first.endsWith('::');
  const measured = (hanging ? rest : lines).filter((line) => line.trim() !== '').map(indentOf);
  if (measured.length === 0) return lines;
  const indent = Math.min(...measured);
  return lines.map((line, index) => (hanging && index === 0 ? line : line.slice(indent)));
}

/** The indented lines that follow a line, without their indentation. */
function blockAfter(lines: readonly string[], index: number): { lines: string[]; end: number } {
  const indent = indentOf(lines[index]!);
  let end = index + 1;
  while (end < lines.length && (lines[end]!.trim() === '' || indentOf(lines[end]!) > indent)) end += 1;
  const block = lines.slice(index + 1, end);
  const inner = Math.min(...block.filter((line) => line.trim() !== '').map(indentOf));
  return { lines: block.map((line) => line.slice(inner)), end };
}

export function fenced(lines: readonly string[]): string[] {
  const body = withoutBlankEnds(lines);
  return body.length === 0 ? [] : ['```', ...body.map(escapeEnd), '```', ''];
}

function withoutBlankEnds(lines: readonly string[]): string[] {
  const isText = (line: string) => line.trim() !== '';
  const first = lines.findIndex(isText);
  return first === -1 ? [] : lines.slice(first, lines.findLastIndex(isText) + 1);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

/** Literals keep their text; `@member` becomes a literal; roles (`:ref:`…``) lose their name. */
function inline(line: string): string {
  return escapeEnd(
    line
      .replaceAll('``', '`')
      .replace(/:[a-z]+:`([^`]*)`/g, '`$1`')
      .replace(/`[^`]*`|(?<![\w.])@([A-Za-z][\w-]*)/g, (whole: string, name: string | undefined) =>
        name === undefined ? whole : `\`${name}\``,
      ),
  );
}

function escapeEnd(line: string): string {
  return line.replaceAll('*/', '*\\/').trimEnd();
}
