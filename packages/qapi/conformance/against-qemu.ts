import { fetchTree, NoTree } from './debian-source.js';
import { LiveQemu, NoQemu } from './live-qemu.js';

/**
 * Runs a comparison as a program and sets the exit code: 0 equal, 1 different or broken, 2 wrong usage (a `TypeError`),
 * 3 no source tree or no binary could be had.
 */
export async function exitByComparison(compare: () => Promise<boolean>): Promise<void> {
  try {
    process.exitCode = (await compare()) ? 0 : 1;
  } catch (error) {
    console.error(`conformance: ${(error as Error).message}`);
    process.exitCode =
      error instanceof NoTree || error instanceof NoQemu ? 3 : error instanceof TypeError ? 2 : 1;
  }
}

/** Gives `compare` a source tree (Debian's unless one is named) and a QEMU that runs as long as it takes. */
export async function againstQemu(
  tree: string | undefined,
  binary: string,
  compare: (tree: string, qemu: LiveQemu) => Promise<boolean>,
): Promise<boolean> {
  const found = tree ?? fetchTree();
  const qemu = await LiveQemu.start(binary);
  try {
    return await compare(found, qemu);
  } finally {
    qemu.stop();
  }
}
