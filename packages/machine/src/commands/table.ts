import { addClientCommands } from './add-client.js';
import { characterDeviceCommands } from './character-devices.js';
import type { CommandHandlers } from './command-call.js';
import { descriptorCommands } from './descriptors.js';
import { deviceCommands } from './devices.js';
import { humanMonitorCommands } from './human-monitor.js';
import { identityCommands } from './identity.js';
import { inputCommands } from './input.js';
import { introspectionCommands } from './introspection.js';
import { memorySaveCommands } from './memory-save.js';
import { migrationCommands } from './migration.js';
import { objectCommands } from './objects.js';
import { processorCommands } from './processors.js';
import { runStateCommands } from './run-state.js';
import { screendumpCommands } from './screendump.js';
import { vncCommands } from './vnc.js';
import { yankCommands } from './yank.js';

/** Every command of the schema. One without a handler, or with one of another shape, does not compile. */
export const COMMAND_HANDLERS: CommandHandlers = {
  ...addClientCommands,
  ...characterDeviceCommands,
  ...descriptorCommands,
  ...deviceCommands,
  ...humanMonitorCommands,
  ...identityCommands,
  ...inputCommands,
  ...introspectionCommands,
  ...memorySaveCommands,
  ...migrationCommands,
  ...objectCommands,
  ...processorCommands,
  ...runStateCommands,
  ...screendumpCommands,
  ...vncCommands,
  ...yankCommands,
};
