import { Habit } from '@godwit/native';

/** How a peer sends its requests. */
export class PeerHabits {
  /** The next request is there before its predecessor was answered. */
  readonly pipelines = new Habit();
  /** The next request comes within a moment of the answer to its predecessor. */
  readonly prompt = new Habit();
}
