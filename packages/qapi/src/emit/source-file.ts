import { NameTable } from './name-table.js';

/** Lines of generated code are at most this wide, where the language lets them be broken. */
export const lineWidth = 110;

interface Import {
  readonly name: string;
  readonly local: string;
}

/**
 * A TypeScript file that is being generated. It knows which names it declares and imports, and gives an import
 * another local name where the two clash.
 */
export class SourceFile {
  readonly #names: NameTable;
  readonly #imports = new Map<string, Import[]>();
  readonly #lines: string[] = [];
  readonly #header: string;

  /** `declared` are the names that the file declares itself. */
  constructor(header: string, declared: Iterable<string>) {
    // One line, whatever it was made of.
    this.#header = header.replace(/[^\x20-\x7e]+/g, ' ');
    this.#names = new NameTable(declared);
  }

  /** Imports a type from a module, once, and gives its local name. */
  importType(module: string, name: string): string {
    let imports = this.#imports.get(module);
    if (imports === undefined) {
      imports = [];
      this.#imports.set(module, imports);
    }
    const known = imports.find((one) => one.name === name);
    if (known !== undefined) return known.local;
    const local = this.#names.claim(name);
    imports.push({ name, local });
    return local;
  }

  add(...lines: readonly string[]): void {
    this.#lines.push(...lines);
  }

  toString(): string {
    const modules = [...this.#imports].sort(([a], [b]) => compareModules(a, b));
    const imports = modules.flatMap(([module, names]) => importStatement(module, names));
    const head = imports.length > 0 ? [...imports, ''] : [];
    return `${[`// ${this.#header}`, '', ...head, ...trimmed(this.#lines)].join('\n')}\n`;
  }
}

/** An interface; an empty one takes a single line. */
export function interfaceLines(head: string, body: readonly string[]): string[] {
  return body.length === 0 ? [`export interface ${head} {}`] : [`export interface ${head} {`, ...body, '}'];
}

function importStatement(module: string, names: readonly Import[]): string[] {
  const items = [...names]
    .sort((a, b) => compareNames(a.name, b.name))
    .map(({ name, local }) => (name === local ? name : `${name} as ${local}`));
  const line = `import type { ${items.join(', ')} } from '${module}';`;
  if (line.length <= lineWidth) return [line];
  return ['import type {', ...items.map((item) => `  ${item},`), `} from '${module}';`];
}

/** Packages come before the files beside this one. */
function compareModules(a: string, b: string): number {
  const local = (module: string) => Number(module.startsWith('.'));
  return local(a) - local(b) || (a < b ? -1 : 1);
}

/** The order that formatters keep: letter by letter, upper case first where only the case differs, numbers by value. */
function compareNames(a: string, b: string): number {
  const [partsA, partsB] = [a.match(/\d+|./g) ?? [], b.match(/\d+|./g) ?? []];
  const index = partsA.findIndex((part, position) => part !== partsB[position]);
  const [partA, partB] = [partsA[index], partsB[index]];
  if (partA === undefined) return -1;
  if (partB === undefined) return 1;
  const numbers = Number(partA) - Number(partB);
  if (!Number.isNaN(numbers) && numbers !== 0) return numbers;
  const [lowerA, lowerB] = [partA.toLowerCase(), partB.toLowerCase()];
  if (lowerA === lowerB) return partA < partB ? -1 : 1;
  return lowerA < lowerB ? -1 : 1;
}

function trimmed(lines: readonly string[]): readonly string[] {
  let end = lines.length;
  while (end > 0 && lines[end - 1] === '') end -= 1;
  return lines.slice(0, end);
}
