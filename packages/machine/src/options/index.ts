export { type CommandLine, parseCommandLine } from './command-line.js';
export {
  configurationFrom,
  DEFAULT_CONFIGURATION,
  type MachineConfiguration,
  type MonitorConfiguration,
  type ObjectConfiguration,
  objectConfiguration,
} from './configuration.js';
export { OptionError } from './option-error.js';
