import type { Scenario } from '../../exchange.js';
import { passwordScenarios } from './passwords.js';
import { serverScenarios } from './servers.js';
import { viewerScenarios } from './viewers.js';

/** Remote displays: their servers, passwords and viewers. */
export const displayScenarios: readonly Scenario[] = [
  ...passwordScenarios,
  ...serverScenarios,
  ...viewerScenarios,
];
