export type { Emit } from './events.js';
export { Machine, type MachineEnd } from './machine.js';
export type { MachineEnvironment } from './machine-environment.js';
export {
  configurationFrom,
  DEFAULT_CONFIGURATION,
  type MachineConfiguration,
  type MonitorConfiguration,
  type ObjectConfiguration,
  OptionError,
  parseCommandLine,
} from './options/index.js';
export { type MachineProcess, runMachine } from './process/run-machine.js';
export { VERSION } from './version.js';
