import type { JsonValue } from '@godwit/json';
import { QomObject } from '../qom/object.js';
import type { Mc146818 } from './mc146818.js';
import { RTC_IRQ, RTC_PORT } from './registers.js';

/** What becomes of periodic interrupts that the guest missed (`-rtc driftfix=`). */
export type LostTickPolicy = 'discard' | 'slew';

/** The RTC in the object tree. */
export function rtcObject(policy: LostTickPolicy): QomObject {
  const object = new QomObject('mc146818rtc');
  const constants: readonly (readonly [name: string, type: string, value: JsonValue])[] = [
    ['lost_tick_policy', 'LostTickPolicy', policy],
    ['irq', 'uint8', RTC_IRQ],
    ['iobase', 'uint16', RTC_PORT],
    ['base_year', 'int32', 0],
  ];
  for (const [name, type, value] of constants) object.addProperty(name, { type, get: () => value });
  return object;
}

/** Shows the guest's date at the RTC and at the machine. */
export function showDate(rtc: Mc146818, object: QomObject, machine: QomObject): void {
  const get = (): JsonValue => {
    const { year, month, day, hours, minutes, seconds } = rtc.date();
    // In the order in which QEMU shows them.
    return {
      tm_year: year - 1900,
      tm_sec: seconds,
      tm_hour: hours,
      tm_min: minutes,
      tm_mon: month,
      tm_mday: day,
    };
  };
  object.addProperty('date', { type: 'struct tm', get });
  machine.addProperty('rtc-time', { type: 'struct tm', get });
}
