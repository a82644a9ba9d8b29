import type { CommandDescriptor } from '../../src/runtime/index.js';

/**
 * Commands that change nothing outside the emulator and do not end it, when they are executed with arguments that the
 * generator makes: queries, and commands that need something that does not exist.
 */
const harmless: readonly RegExp[] = [
  /^query-/,
  /^x-query-/,
  /^qom-list/,
  /^device-list-properties$/,
  /^(closefd|remove-fd|chardev-remove|netdev_del|object-del|set_link|announce-self|yank)$/,
  /^(block-job|job)-/,
  /^(blockdev-del|blockdev-open-tray|blockdev-close-tray|blockdev-remove-medium|eject|block_set_io_throttle)$/,
  /^block-(dirty-bitmap|latency-histogram|set-write-threshold|stream)/,
  /^migrate-set-(capabilities|parameters)$/,
  /^(watchdog-set-action|set-action|trace-event-[a-z-]+)$/,
];

/** What would crash this QEMU in the absence of a machine, whatever the arguments. */
const excluded: readonly string[] = [];

export function mayRun(name: string): boolean {
  return harmless.some((pattern) => pattern.test(name)) && !excluded.includes(name);
}

/** Whether a command's arguments are decoded by generated code, so that its errors say something. */
export function decodesArguments(command: CommandDescriptor): boolean {
  return !command.raw && !command.noSuccessResponse;
}
