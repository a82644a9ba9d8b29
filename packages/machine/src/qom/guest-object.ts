import type { JsonObject, JsonValue } from '@godwit/json';
import { QapiError } from '@godwit/qapi/runtime';
import type { Hardware } from '../hardware.js';
import { parseRtcDate } from '../rtc/index.js';
import { QomObject } from './object.js';
import { integerValue, stringValue } from './values.js';

/**
 * `/machine/guest`: what the embedded guest has done and found, so that a client can check after a migration that nothing
 * was lost. `audit` and `device-audit` look at everything and take their time.
 */
export function addGuestObject(machine: QomObject, hardware: Hardware): void {
  const guest = machine.addChild('guest', new QomObject('sim-guest'));
  const { accelerator } = hardware;
  const counters = {
    ready: 'bool',
    workingSet: 'size',
    pagesWritten: 'uint64',
    pagesChecked: 'uint64',
    lost: 'uint64',
    torn: 'uint64',
    repeated: 'uint64',
    deviceAccesses: 'uint64',
    deviceFaults: 'uint64',
    deviceInterrupts: 'uint64',
  } as const;
  for (const name of Object.keys(counters) as (keyof typeof counters)[]) {
    guest.addProperty(dashed(name), { type: counters[name], get: () => accelerator.report()[name] });
  }
  guest.addProperty('dirty-rate', {
    type: 'size',
    description: 'bytes per second that the guest dirties',
    get: () => accelerator.report().dirtyRate,
    set: (value) => accelerator.setDirtyRate(Number(integerValue('dirty-rate', value))),
  });
  guest.addProperty('clock', {
    type: 'string',
    description: 'what the guest takes for UTC, e.g. 2006-06-17T16:01:21; set, it writes that to its RTC',
    get: () => new Date(hardware.rtc.now()).toISOString().slice(0, 19),
    set: (value) => accelerator.setClock(dateValue('clock', value)),
  });
  guest.addProperty('audit', {
    type: 'SimAudit',
    description: 'every page that the guest ever wrote, compared with what is there',
    get: async () => toJson(await hardware.audit()),
  });
  guest.addProperty('device-audit', {
    type: 'SimDeviceAudit',
    description: 'what the devices find when they check their memory; only while the guest runs',
    get: async () => {
      const audits = await hardware.auditDevices();
      return audits.map((audit, index) => deviceAudit(hardware, index, audit));
    },
  });
}

/** @throws QapiError */
function dateValue(name: string, value: JsonValue): Date {
  const seconds = parseRtcDate(stringValue(name, value));
  if (seconds !== undefined) return new Date(seconds * 1000);
  throw new QapiError('GenericError', `Parameter '${name}' expects a date such as 2006-06-17T16:01:21`);
}

function deviceAudit(hardware: Hardware, index: number, audit: object): JsonObject {
  return { 'qom-path': hardware.devices[index]?.path ?? '', ...toJson(audit) };
}

function toJson(numbers: object): JsonObject {
  return Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [dashed(name), value as JsonValue]),
  );
}

/** `pagesWritten` as `pages-written`. */
function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
