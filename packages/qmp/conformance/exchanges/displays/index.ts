import type { Scenario } from '../../exchange.js';
import { handshakeScenarios } from './handshakes.js';
import { inputScenarios } from './input.js';
import { passwordScenarios } from './passwords.js';
import { serverScenarios } from './servers.js';
import { viewerScenarios } from './viewers.js';

/** Remote displays: their servers, passwords and viewers; keys and pictures without one. */
export const displayScenarios: readonly Scenario[] = [
  ...passwordScenarios,
  ...serverScenarios,
  ...viewerScenarios,
  ...handshakeScenarios,
  ...inputScenarios,
];
