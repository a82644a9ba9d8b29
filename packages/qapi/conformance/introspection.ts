// Compares introspection with the reply of a real QEMU: node introspection.js [--tree DIR] [--qemu BINARY]
// Exit code: 0 equal, 1 different, 2 wrong usage, 3 no source tree or no binary could be had.
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { introspect } from '../src/index.js';
import { againstQemu, exitByComparison } from './against-qemu.js';
import type { LiveQemu } from './live-qemu.js';
import { liveSchema } from './live-schema.js';

const shownDifferences = 10;

async function compare(tree: string, qemu: LiveQemu): Promise<boolean> {
  const { schema, config, reply } = await liveSchema(tree, qemu);
  const ours = introspect(schema, { config });
  const length = Math.max(ours.length, reply.length);
  const differing = Array.from({ length }, (_, index) => index).filter(
    (index) => !isDeepStrictEqual(plain(ours[index]), plain(reply[index])),
  );
  for (const index of differing.slice(0, shownDifferences)) {
    console.log(
      `entity ${index}: expected ${JSON.stringify(reply[index])}, found ${JSON.stringify(ours[index])}`,
    );
  }
  console.log(`configuration: ${[...config].join(',')}`);
  console.log(`${reply.length} entities, ${differing.length} differ (in content, name or place)`);
  return differing.length === 0;
}

/** Without prototypes, and with what JSON leaves out left out. */
function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

await exitByComparison(() => {
  const { values } = parseArgs({
    options: { tree: { type: 'string' }, qemu: { type: 'string', default: 'qemu-system-x86_64' } },
  });
  return againstQemu(values.tree, values.qemu, compare);
});
