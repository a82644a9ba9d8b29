// Loaded before every test file by scripts/test.mjs: properties draw their values from the seed GODWIT_SEED.
import { isMainThread } from 'node:worker_threads';

// Threads that a test starts inherit this import, and test no properties.
if (isMainThread) {
  const { default: fc } = await import('fast-check');
  fc.configureGlobal({ seed: Number(process.env.GODWIT_SEED) });
}
