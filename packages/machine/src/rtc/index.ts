export { Mc146818, type RtcOptions } from './mc146818.js';
export {
  parseRtcDate,
  type RtcBase,
  type RtcClock,
  RtcReference,
  type RtcReferenceOptions,
} from './reference.js';
export { RTC_PORT, RTC_PORTS } from './registers.js';
export { type LostTickPolicy, rtcObject, showDate } from './rtc-object.js';
