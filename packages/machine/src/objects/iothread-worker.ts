import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';

// The link reads `PID/task/TID`: the kernel's id of this thread, without an addon.
parentPort?.postMessage(Number(basename(readlinkSync('/proc/thread-self'))));
// A listener keeps the thread there until it is terminated.
parentPort?.on('message', () => {});
