import { native, nativeUnavailableReason } from '../src/index.js';

/** For `test(name, needsAddon, …)`: skips with the reason where the addon is not there. */
export const needsAddon = native === undefined ? { skip: nativeUnavailableReason ?? true } : {};

/** The addon, in a test that {@link needsAddon}. */
export const addon = native!;
