import type { Scenario } from '../../exchange.js';
import { chardevScenarios } from './chardevs.js';
import { humanMonitorScenarios } from './human-monitor.js';
import { monitorValueScenarios } from './monitor-values.js';
import { objectScenarios } from './objects.js';
import { optionScenarios } from './options.js';
import { preconfigScenarios } from './preconfig.js';
import { runStateScenarios } from './run-states.js';
import { socketAddressScenarios } from './socket-addresses.js';
import { terminalScenarios } from './terminal.js';

/** The commands and events of misc.json, and those around them that every client uses. */
export const miscScenarios: readonly Scenario[] = [
  ...preconfigScenarios,
  ...runStateScenarios,
  ...optionScenarios,
  ...objectScenarios,
  ...chardevScenarios,
  ...socketAddressScenarios,
  ...humanMonitorScenarios,
  ...monitorValueScenarios,
  ...terminalScenarios,
];
