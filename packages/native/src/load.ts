import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Native } from './api.js';

/** Where `scripts/build-addon.mjs` puts the addon, seen from dist/src. */
const addonPath = fileURLToPath(new URL('../../addon/build/Release/godwit_native.node', import.meta.url));

interface Loaded {
  readonly native?: Native;
  readonly reason?: string;
}

function load(): Loaded {
  if (process.env.GODWIT_NO_NATIVE === '1') return { reason: 'GODWIT_NO_NATIVE=1 is set' };
  if (process.platform !== 'linux') return { reason: `it needs Linux, and this is ${process.platform}` };
  if (!existsSync(addonPath)) {
    return { reason: 'it is not built; npm rebuild does that where a C compiler is present' };
  }
  try {
    return { native: createRequire(import.meta.url)(addonPath) as Native };
  } catch (error) {
    return { reason: `it does not load: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const loaded = load();

/** The addon, or undefined where it is not built, cannot be loaded or is disabled (`GODWIT_NO_NATIVE=1`). */
export const native: Native | undefined = loaded.native;

/** Why {@link native} is undefined. */
export const nativeUnavailableReason: string | undefined = loaded.reason;

/** Something needed the addon, which is not there. */
export class NativeUnavailableError extends Error {
  override readonly name = 'NativeUnavailableError';
  readonly code = 'ERR_NATIVE_UNAVAILABLE';

  /** @param what names what needed the addon, as the subject of a sentence, e.g. "passing descriptors" */
  constructor(what: string, reason: string) {
    super(`${what} needs the native addon of Godwit: ${reason}`);
  }
}

/**
 * The addon, for `what` cannot do without it.
 * @param what the subject of the error's message, e.g. "passing descriptors"
 * @throws NativeUnavailableError
 */
export function requireNative(what: string): Native {
  if (native === undefined) throw new NativeUnavailableError(what, nativeUnavailableReason ?? 'not loaded');
  return native;
}
