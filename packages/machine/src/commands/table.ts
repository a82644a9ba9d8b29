import { characterDeviceCommands } from './character-devices.js';
import type { CommandHandlers } from './command-call.js';
import { descriptorCommands } from './descriptors.js';
import { deviceCommands } from './devices.js';
import { humanMonitorCommands } from './human-monitor.js';
import { identityCommands } from './identity.js';
import { introspectionCommands } from './introspection.js';
import { migrationCommands } from './migration.js';
import { notImplementedCommands } from './not-implemented.js';
import { objectCommands } from './objects.js';
import { processorCommands } from './processors.js';
import { runStateCommands } from './run-state.js';

/** Every command of the schema. One without a handler, or with one of another shape, does not compile. */
export const COMMAND_HANDLERS: CommandHandlers = {
  ...characterDeviceCommands,
  ...descriptorCommands,
  ...deviceCommands,
  ...humanMonitorCommands,
  ...identityCommands,
  ...introspectionCommands,
  ...migrationCommands,
  ...notImplementedCommands,
  ...objectCommands,
  ...processorCommands,
  ...runStateCommands,
};
