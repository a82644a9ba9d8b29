import type { Scenario } from '../../exchange.js';
import { chardevKindScenarios } from './chardev-kinds.js';
import { chardevScenarios } from './chardevs.js';
import { humanMonitorScenarios } from './human-monitor.js';
import { migratedScenarios } from './migrated.js';
import { monitorValueScenarios } from './monitor-values.js';
import { objectScenarios } from './objects.js';
import { optionScenarios } from './options.js';
import { preconfigScenarios } from './preconfig.js';
import { runStateScenarios } from './run-states.js';
import { socketAddressScenarios } from './socket-addresses.js';
import { socketDeviceScenarios } from './socket-devices.js';
import { terminalScenarios } from './terminal.js';

/** The commands and events of misc.json, and those around them that every client uses. */
export const miscScenarios: readonly Scenario[] = [
  ...preconfigScenarios,
  ...runStateScenarios,
  ...migratedScenarios,
  ...optionScenarios,
  ...objectScenarios,
  ...chardevScenarios,
  ...socketAddressScenarios,
  ...chardevKindScenarios,
  ...socketDeviceScenarios,
  ...humanMonitorScenarios,
  ...monitorValueScenarios,
  ...terminalScenarios,
];
