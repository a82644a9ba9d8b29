import type { Scenario } from '../exchange.js';
import { descriptorScenarios } from './descriptors.js';
import { displayScenarios } from './displays.js';
import { envelopeScenarios } from './envelope.js';
import { malformedScenarios } from './malformed.js';
import { negotiationScenarios } from './negotiation.js';
import { outOfBandScenarios } from './out-of-band.js';
import { runStateScenarios } from './run-state.js';

export const scenarios: readonly Scenario[] = [
  ...negotiationScenarios,
  ...envelopeScenarios,
  ...malformedScenarios,
  ...outOfBandScenarios,
  ...descriptorScenarios,
  ...displayScenarios,
  ...runStateScenarios,
];
