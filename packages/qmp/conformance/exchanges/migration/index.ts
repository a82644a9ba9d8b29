import type { Scenario } from '../../exchange.js';
import { addressScenarios } from './addresses.js';
import { settingScenarios } from './settings.js';
import { stateScenarios } from './states.js';

/** What migrations say where no second machine is needed. */
export const migrationScenarios: readonly Scenario[] = [
  ...addressScenarios,
  ...settingScenarios,
  ...stateScenarios,
];
