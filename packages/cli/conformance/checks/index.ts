import { chardevs } from './chardevs.js';
import { connections } from './connections.js';
import { descriptors } from './descriptors.js';
import { displays } from './displays.js';
import { lookingIn } from './looking-in.js';
import { migration } from './migration.js';
import { objects } from './objects.js';
import { outOfBand } from './out-of-band.js';
import { queries } from './queries.js';
import { runStates } from './run-states.js';
import type { Check } from './stage.js';

export const checks: readonly Check[] = [
  ...queries,
  ...objects,
  ...chardevs,
  ...descriptors,
  ...displays,
  ...lookingIn,
  ...runStates,
  ...outOfBand,
  ...connections,
  ...migration,
];
