export { deviceOutage, guestOutage, lengthOf, type Outage } from './downtime.js';
export { type DrawOptions, drawTimeline, formatMs } from './draw.js';
export { type Phase, type PhaseName, switchoverPhases } from './phases.js';
export {
  applyEvent,
  type Change,
  type DeviceTimeline,
  emptyTimeline,
  type Side,
  type SideTimeline,
  TIMELINE_EVENTS,
  type TimedEvent,
  type Timeline,
  timeOf,
} from './timeline.js';
