import type { Scenario } from '../exchange.js';
import { clockScenarios } from './clock.js';
import { descriptorScenarios } from './descriptors.js';
import { displayScenarios } from './displays/index.js';
import { envelopeScenarios } from './envelope.js';
import { malformedScenarios } from './malformed.js';
import { migrationScenarios } from './migration/index.js';
import { miscScenarios } from './misc/index.js';
import { negotiationScenarios } from './negotiation.js';
import { outOfBandScenarios } from './out-of-band.js';
import { runStateScenarios } from './run-state.js';
import { snapshotScenarios } from './snapshots.js';
import { stringScenarios } from './strings.js';

/** Scenarios that are counted together. */
export interface ExchangeSet {
  readonly name: string;
  readonly scenarios: readonly Scenario[];
}

export const exchangeSets: readonly ExchangeSet[] = [
  {
    name: 'protocol',
    scenarios: [
      ...negotiationScenarios,
      ...envelopeScenarios,
      ...malformedScenarios,
      ...stringScenarios,
      ...outOfBandScenarios,
      ...descriptorScenarios,
      ...runStateScenarios,
    ],
  },
  { name: 'displays', scenarios: displayScenarios },
  { name: 'snapshots', scenarios: snapshotScenarios },
  { name: 'clock', scenarios: clockScenarios },
  { name: 'migration', scenarios: migrationScenarios },
  { name: 'misc', scenarios: miscScenarios },
];
