import type { Scenario } from '../../exchange.js';
import { preconfigScenarios } from './preconfig.js';

/** The commands and events of misc.json, and those around them that every client uses. */
export const miscScenarios: readonly Scenario[] = [...preconfigScenarios];
