// Generates packages/machine/src/generated from the machine's schema. Files are written only when their
// contents change, so that the compiler's incremental state stays good.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const schema = join(root, 'packages', 'machine', 'schema', 'godwit.json');
const out = join(root, 'packages', 'machine', 'src', 'generated');

// What the machine is built with: conditions of the schema that hold.
const config = new Set(['CONFIG_POSIX', 'CONFIG_LINUX']);

const { generateTypeScript, loadSchema, printDiagnostic } = await import('@godwit/qapi');

const { schema: model, diagnostics } = loadSchema(schema);
for (const diagnostic of diagnostics) console.error(printDiagnostic(diagnostic));
if (model === undefined || diagnostics.length > 0) process.exit(1);

mkdirSync(out, { recursive: true });
const files = generateTypeScript(model, { config });
for (const name of readdirSync(out)) if (!files.has(name)) rmSync(join(out, name));
for (const [name, text] of files) {
  const path = join(out, name);
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
}
