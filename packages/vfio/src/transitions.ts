import { VfioError } from './error.js';
import { type MigrationFlags, offersState } from './flags.js';
import { DEVICE_STATES, DeviceState, stateName } from './states.js';

const { ERROR, STOP, RUNNING, STOP_COPY, RESUMING, RUNNING_P2P, PRE_COPY, PRE_COPY_P2P } = DeviceState;

// The columns of NEXT_STATE, short enough that a row is a line.
const E = ERROR;
const ST = STOP;
const RUN = RUNNING;
const SC = STOP_COPY;
const RES = RESUMING;
const R2 = RUNNING_P2P;
const P = PRE_COPY;
const P2 = PRE_COPY_P2P;

/**
 * The first step from a state (row) towards another (column) for a device with all flags: the table of
 * `vfio_mig_get_next_state()` in Linux, drivers/vfio/vfio_main.c, which linux/vfio.h describes. Indexed by state number.
 */
// biome-ignore format: a table reads as columns
export const NEXT_STATE: readonly (readonly DeviceState[])[] = [
  // to:            ERROR STOP RUN  SC   RES  R2   P    P2
  /* ERROR       */ [E,   E,   E,   E,   E,   E,   E,   E  ],
  /* STOP        */ [E,   ST,  R2,  SC,  RES, R2,  R2,  R2 ],
  /* RUNNING     */ [E,   R2,  RUN, R2,  R2,  R2,  P,   R2 ],
  /* STOP_COPY   */ [E,   ST,  ST,  SC,  ST,  ST,  E,   E  ],
  /* RESUMING    */ [E,   ST,  ST,  ST,  RES, ST,  ST,  ST ],
  /* RUNNING_P2P */ [E,   ST,  RUN, ST,  ST,  R2,  RUN, P2 ],
  /* PRE_COPY    */ [E,   RUN, RUN, P2,  RUN, RUN, P,   P2 ],
  /* PRE_COPY_P2P*/ [E,   R2,  R2,  SC,  R2,  R2,  P,   P2 ],
];

/**
 * The next state on the way from `from` to `wanted`, states that the flags do not offer left out by following the table further.
 *
 * EINVAL: `wanted` is ERROR or not offered, `from` is ERROR (only a reset leaves it), or there is no way (STOP_COPY back to pre-copy).
 */
export function nextState(from: DeviceState, wanted: DeviceState, flags: MigrationFlags): DeviceState {
  if (wanted === ERROR) throw new VfioError('EINVAL', 'the error state cannot be asked for');
  if (from === ERROR) {
    throw new VfioError(
      'EINVAL',
      `no way from error to ${stateName(wanted)}: only a reset leaves the error state`,
    );
  }
  if (!offersState(flags, wanted)) {
    throw new VfioError('EINVAL', `the device does not offer the state ${stateName(wanted)}`);
  }
  if (!offersState(flags, from)) {
    throw new VfioError(
      'EINVAL',
      `the device does not offer the state ${stateName(from)}, which it should leave`,
    );
  }
  let next: DeviceState = from;
  do {
    next = step(next, wanted);
    if (next === ERROR) {
      throw new VfioError('EINVAL', `no way from ${stateName(from)} to ${stateName(wanted)}`);
    }
  } while (!offersState(flags, next));
  return next;
}

function step(from: DeviceState, wanted: DeviceState): DeviceState {
  return NEXT_STATE[from]![wanted]!;
}

/** Every state on the way from `from` to `wanted`, `wanted` last; empty where they are the same. Errors as {@link nextState}. */
export function pathTo(from: DeviceState, wanted: DeviceState, flags: MigrationFlags): DeviceState[] {
  const path: DeviceState[] = [];
  // A device already there must be able to say so in every state but ERROR, which no one may ask for.
  let at = from;
  do {
    const next = nextState(at, wanted, flags);
    if (next === at) break;
    path.push(next);
    at = next;
  } while (at !== wanted);
  return path;
}

/** One step of the state machine. */
export interface Arc {
  readonly from: DeviceState;
  readonly to: DeviceState;
}

/** Every arc that devices of any flags walk, each once: those of the full table, and those that skip a missing state. */
export const ARCS: readonly Arc[] = collectArcs();

function collectArcs(): Arc[] {
  const arcs: Arc[] = [];
  for (const preCopy of [true, false]) {
    for (const p2p of [true, false]) {
      const flags = { p2p, preCopy };
      const offered = DEVICE_STATES.filter((state) => offersState(flags, state));
      for (const from of offered) {
        for (const to of offered) {
          if (from === to || NEXT_STATE[from]![to] === ERROR) continue;
          const next = nextState(from, to, flags);
          if (!arcs.some((arc) => arc.from === from && arc.to === next)) arcs.push({ from, to: next });
        }
      }
    }
  }
  return arcs;
}

/** An arc as the property `fail-arc` and messages write it: `stop->stop-copy`. */
export function arcName(from: DeviceState, to: DeviceState): string {
  return `${stateName(from)}->${stateName(to)}`;
}

const SAVING: readonly DeviceState[] = [PRE_COPY, PRE_COPY_P2P, STOP_COPY];

/** Whether the device's data can be read in that state: the saving group of linux/vfio.h. */
export function isSaving(state: DeviceState): boolean {
  return SAVING.includes(state);
}

/** Whether the device works while its data is read. */
export function isPreCopy(state: DeviceState): boolean {
  return state === PRE_COPY || state === PRE_COPY_P2P;
}

/** What an arc does to the data stream of a device: it opens one, keeps or ends the open one, or there is none before and after. */
export type StreamEffect = 'open-saving' | 'open-resuming' | 'keep' | 'end' | 'none';

/** What becomes of the data stream on an arc. */
export function streamEffect(from: DeviceState, to: DeviceState): StreamEffect {
  if (isSaving(from)) return isSaving(to) ? 'keep' : 'end';
  if (isSaving(to)) return 'open-saving';
  if (from === RESUMING) return to === RESUMING ? 'keep' : 'end';
  return to === RESUMING ? 'open-resuming' : 'none';
}
