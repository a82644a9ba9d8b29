// Plays our servers and our client against those of others: npm run conformance:vfio-user [-- OPTIONS]
//   --qemu COMMAND     a QEMU of at least 10.1 (default qemu-system-x86_64)
//   --root FOLDER      the folder that this command takes for the root, where it goes through chroot
//   --samples FOLDER   the samples of a built libvfio-user, with client and server
//   --server-samples FOLDER   likewise, for the server alone (that of March 2026 and later does not start)
// What is not there is skipped, and named.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nativeUnavailableReason } from '@godwit/native';
import { checkTheirClient, checkTheirServer } from './libvfio-user.js';
import { withServer } from './processes.js';
import { checkAdder, unusable } from './qemu.js';

const { values } = parseArgs({
  options: {
    qemu: { type: 'string', default: 'qemu-system-x86_64' },
    root: { type: 'string', default: '/' },
    samples: { type: 'string' },
    'server-samples': { type: 'string' },
  },
});
const adder = fileURLToPath(new URL('../examples/adder.js', import.meta.url));
const qemu = { command: values.qemu.split(' '), root: values.root };
const { samples } = values;
const serverSamples = values['server-samples'] ?? samples;
const NO_SAMPLES = 'libvfio-user is not given (--samples)';

interface Part {
  readonly name: string;
  /** Why it cannot be done. */
  readonly missing: string | undefined;
  /** @param folder for what the part needs; removed afterwards */
  check(folder: string): Promise<void>;
}

const parts: readonly Part[] = [
  {
    name: 'a QEMU attaches our example device: registers, DMA, interrupt',
    missing: unusable(qemu),
    check: async (folder) => {
      const socket = join(folder, 'adder');
      const inside = socket.slice(qemu.root === '/' ? 0 : qemu.root.length);
      await withServer([process.execPath, adder, socket], socket, () => checkAdder(qemu, inside));
    },
  },
  {
    name: "libvfio-user's sample client, its whole course with two of our servers",
    missing: samples === undefined ? NO_SAMPLES : undefined,
    check: (folder) => checkTheirClient(samples!, folder),
  },
  {
    name: "our client with libvfio-user's sample server",
    missing: serverSamples === undefined ? NO_SAMPLES : undefined,
    check: (folder) => checkTheirServer(serverSamples!, folder),
  },
];

let failed = false;
let skipped = 0;
for (const { name, missing, check } of parts) {
  const reason = nativeUnavailableReason ?? missing;
  if (reason !== undefined) {
    console.log(`skip ${name}: ${reason}`);
    skipped++;
    continue;
  }
  const folder = mkdtempSync(join(qemu.root === '/' ? tmpdir() : join(qemu.root, 'tmp'), 'godwit-'));
  try {
    await check(folder);
    console.log(`ok   ${name}`);
  } catch (error) {
    failed = true;
    console.log(`FAIL ${name}: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
// 3 says that nothing of it could be had.
process.exitCode = failed ? 1 : skipped === parts.length ? 3 : 0;
