import { readFileSync } from 'node:fs';

/** A row of EVENTS.md: what the clients of both machines see. */
export interface DocumentedRow {
  /** The heading that it stands under. */
  readonly section: string;
  /** Its first column: which devices, or which of their transitions. */
  readonly subject: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
}

const DOCUMENT = new URL('../../../EVENTS.md', import.meta.url);

export function documentedRows(): DocumentedRow[] {
  const rows: DocumentedRow[] = [];
  let section = '';
  for (const line of readFileSync(DOCUMENT, 'utf8').split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    const [, subject, source, destination] = line.split('|').map((cell) => cell.trim());
    // The row that heads a table, and the line under it, name no devices.
    if (subject === undefined || !subject.startsWith('`')) continue;
    rows.push({
      section,
      subject: subject.replaceAll('`', ''),
      source: events(source),
      destination: events(destination),
    });
  }
  return rows;
}

function events(cell = ''): string[] {
  return cell === '' ? [] : cell.split(', ');
}
