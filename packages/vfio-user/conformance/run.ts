// Plays our servers and our client against those of others: npm run conformance:vfio-user [-- OPTIONS]
//   --qemu COMMAND     a QEMU of at least 10.1; default: that of the system, or else one that is fetched
//   --offline          fetch nothing
//   --samples FOLDER   the samples of a built libvfio-user, with client and server
//   --server-samples FOLDER   likewise, for the server alone (that of March 2026 and later does not start)
// What is not there is skipped, and named. QEMU and a Linux for it are packages of a newer Debian, unpacked into a
// temporary folder where apt is there to fetch them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nativeUnavailableReason } from '@godwit/native';
import { Unavailable } from './debian-packages.js';
import { checkTheirClient, checkTheirServer } from './libvfio-user.js';
import { checkLinuxGuest, fetchPieces, type Pieces } from './linux-guest.js';
import { withServer } from './processes.js';
import { checkAdder, unusable } from './qemu.js';

const { values } = parseArgs({
  options: {
    qemu: { type: 'string' },
    offline: { type: 'boolean', default: false },
    samples: { type: 'string' },
    'server-samples': { type: 'string' },
  },
});
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const adder = [process.execPath, here('../examples/adder.js')];
const nic = [process.execPath, here('./nic-server.js')];
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

const workplace = mkdtempSync(join(tmpdir(), 'godwit-vfio-user-'));
process.once('exit', () => rmSync(workplace, { recursive: true, force: true }));
const own = (values.qemu ?? 'qemu-system-x86_64').split(' ');
const ownUnusable = unusable(own);
const pieces = obtain();
const qemu = ownUnusable === undefined ? own : pieces.had?.qemu;

const parts: readonly Part[] = [
  {
    name: 'QEMU attaches our example device: registers, DMA, INTx',
    missing: qemu === undefined ? `${ownUnusable}; ${pieces.missing}` : undefined,
    check: (folder) => {
      const socket = join(folder, 'adder');
      return withServer([...adder, socket], socket, () => checkAdder(qemu!, socket));
    },
  },
  {
    name: 'a Linux guest of QEMU uses our example device and our network card: registers, DMA, INTx, MSI-X',
    missing: pieces.missing,
    check: (folder) => {
      const sockets = [join(folder, 'adder'), join(folder, 'nic')] as const;
      return withServer([...adder, sockets[0]], sockets[0], () =>
        withServer([...nic, sockets[1]], sockets[1], () =>
          checkLinuxGuest({ ...pieces.had!, qemu: qemu! }, sockets, folder),
        ),
      );
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

function obtain(): { had?: Pieces; missing: string | undefined } {
  if (nativeUnavailableReason !== undefined) return { missing: nativeUnavailableReason };
  if (values.offline) return { missing: 'nothing is fetched (--offline)' };
  try {
    return { had: fetchPieces(workplace), missing: undefined };
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return { missing: `QEMU and a Linux cannot be fetched: ${error.message}` };
  }
}

let failed = false;
let skipped = 0;
for (const { name, missing, check } of parts) {
  const reason = nativeUnavailableReason ?? missing;
  if (reason !== undefined) {
    console.log(`skip ${name}: ${reason}`);
    skipped++;
    continue;
  }
  const folder = mkdtempSync(join(workplace, 'part-'));
  const start = performance.now();
  try {
    await check(folder);
    console.log(`ok   ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed = true;
    console.log(`FAIL ${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
// 3 says that nothing of it could be had.
process.exitCode = failed ? 1 : skipped === parts.length ? 3 : 0;
