const SECONDS_PER_DAY = 86_400;

/** When the alarm goes off; what is undefined does not matter. */
export interface RtcAlarm {
  readonly hours: number | undefined;
  readonly minutes: number | undefined;
  readonly seconds: number | undefined;
}

/** Whether the alarm went off after the second `from`, up to and including `to`; both count from any midnight. */
export function alarmBetween({ hours, minutes, seconds }: RtcAlarm, from: number, to: number): boolean {
  const last = Math.min(to, from + SECONDS_PER_DAY);
  for (let second = from + 1; second <= last; second++) {
    if (
      (seconds ?? second % 60) === second % 60 &&
      (minutes ?? Math.floor(second / 60) % 60) === Math.floor(second / 60) % 60 &&
      (hours ?? Math.floor(second / 3600) % 24) === Math.floor(second / 3600) % 24
    ) {
      return true;
    }
  }
  return false;
}
