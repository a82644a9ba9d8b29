export type { MonitorConfiguration } from './character-devices.js';
export { type CommandLine, parseCommandLine } from './command-line.js';
export {
  configurationFrom,
  DEFAULT_CONFIGURATION,
  type MachineConfiguration,
  type ObjectConfiguration,
  objectConfiguration,
} from './configuration.js';
export { OptionError } from './option-error.js';
