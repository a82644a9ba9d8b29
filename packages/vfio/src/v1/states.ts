/** The states of the 2018 document, numbered as its enum. */
export const V1State = {
  NONE: 0,
  RUNNING: 1,
  MIGRATION_SETUP: 2,
  MIGRATION_PRECOPY: 3,
  MIGRATION_STOPNCOPY: 4,
  MIGRATION_SAVE_COMPLETED: 5,
  MIGRATION_RESUME: 6,
  MIGRATION_RESUME_COMPLETED: 7,
  MIGRATION_FAILED: 8,
  MIGRATION_CANCELLED: 9,
} as const;

export type V1State = (typeof V1State)[keyof typeof V1State];

const NAMES = Object.keys(V1State) as (keyof typeof V1State)[];

/** Name and number, e.g. `MIGRATION_PRECOPY (3)`; the number alone for one that is no state. */
export function v1StateText(state: number): string {
  const name = NAMES[state];
  return name === undefined ? String(state) : `${name} (${state})`;
}

export function isV1State(value: number): value is V1State {
  return NAMES[value] !== undefined;
}

const S = V1State;

/** A device at rest: nothing of a migration is under way. From here it runs, stops, saves or resumes. */
const AT_REST: readonly V1State[] = [S.RUNNING, S.NONE, S.MIGRATION_SETUP, S.MIGRATION_RESUME];

/**
 * Which states may follow which. The document names the states but draws no arrows; these are the ways that its descriptions and the
 * RFC of the same series (October 2018) take, and the one they lack: RUNNING after FAILED and CANCELLED, so that the source runs again.
 */
export const V1_NEXT_STATES: Readonly<Record<V1State, readonly V1State[]>> = {
  [S.NONE]: AT_REST,
  [S.RUNNING]: [S.NONE, S.MIGRATION_SETUP],
  [S.MIGRATION_SETUP]: [
    S.MIGRATION_PRECOPY,
    S.MIGRATION_STOPNCOPY,
    S.MIGRATION_FAILED,
    S.MIGRATION_CANCELLED,
  ],
  [S.MIGRATION_PRECOPY]: [S.MIGRATION_STOPNCOPY, S.MIGRATION_FAILED, S.MIGRATION_CANCELLED],
  [S.MIGRATION_STOPNCOPY]: [S.MIGRATION_SAVE_COMPLETED, S.MIGRATION_FAILED, S.MIGRATION_CANCELLED],
  [S.MIGRATION_SAVE_COMPLETED]: AT_REST,
  [S.MIGRATION_RESUME]: [S.MIGRATION_RESUME_COMPLETED, S.MIGRATION_FAILED, S.MIGRATION_CANCELLED],
  [S.MIGRATION_RESUME_COMPLETED]: AT_REST,
  [S.MIGRATION_FAILED]: AT_REST,
  [S.MIGRATION_CANCELLED]: AT_REST,
};
