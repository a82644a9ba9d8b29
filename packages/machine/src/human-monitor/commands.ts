import { CHARDEV_COMMANDS } from './chardev-commands.js';
import type { MonitorCommand } from './command.js';
import { DISPLAY_COMMANDS } from './display-commands.js';
import { MEMORY_COMMANDS } from './memory-commands.js';
import { MIGRATION_COMMANDS } from './migration-commands.js';
import { OBJECT_COMMANDS } from './object-commands.js';
import { PORT_COMMANDS } from './port-commands.js';
import { RUN_COMMANDS } from './run-commands.js';
import { SNAPSHOT_COMMANDS } from './snapshot-commands.js';

/** The commands of the human monitor, but for `info` and `help`. Names, arguments and texts are QEMU's. */
export const MONITOR_COMMANDS: readonly MonitorCommand[] = [
  ...CHARDEV_COMMANDS,
  ...DISPLAY_COMMANDS,
  ...MEMORY_COMMANDS,
  ...MIGRATION_COMMANDS,
  ...OBJECT_COMMANDS,
  ...PORT_COMMANDS,
  ...RUN_COMMANDS,
  ...SNAPSHOT_COMMANDS,
];
