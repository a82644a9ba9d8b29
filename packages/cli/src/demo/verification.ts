import type { JsonValue } from '@godwit/json';
import type { MachineClient } from './machine-process.js';

const GUEST = '/machine/guest';

/** What the guest on the destination found, in pages, and what its devices did. */
export interface Verification {
  readonly pages: number;
  readonly lost: number;
  readonly torn: number;
  readonly repeated: number;
  /** Pages that the guest wrote on the destination. */
  readonly writtenSince: number;
  readonly deviceAccesses: number;
  readonly deviceFaults: number;
  readonly devices: readonly DeviceVerification[];
}

export interface DeviceVerification {
  readonly qomPath: string;
  /** Blocks of the device's memory, compared with what must be in them. */
  readonly blocks: number;
  readonly errors: number;
  /** Pages of guest RAM that the device wrote by DMA. */
  readonly dmaPages: number;
  readonly dmaErrors: number;
}

export function guestIsWhole(
  { pages, lost, torn, repeated, writtenSince }: Verification,
  dirties: boolean,
): boolean {
  return pages > 0 && lost + torn + repeated === 0 && (writtenSince > 0 || !dirties);
}

export function devicesAreWhole({ devices, deviceFaults }: Verification, expected: number): boolean {
  return devices.length === expected && deviceFaults === 0 && devices.every(deviceIsWhole);
}

export function deviceIsWhole({ blocks, errors, dmaErrors }: DeviceVerification): boolean {
  return blocks > 0 && errors === 0 && dmaErrors === 0;
}

export async function guestIsReady(client: MachineClient): Promise<boolean> {
  return (await client.execute('qom-get', { path: GUEST, property: 'ready' })) === true;
}

export async function pagesWritten(client: MachineClient): Promise<number> {
  return numberOf(await client.execute('qom-get', { path: GUEST, property: 'pages-written' }));
}

/** Has the guest look at everything that it and its devices ever wrote. `writtenBefore` is what it had written on the source. */
export async function verify(client: MachineClient, writtenBefore: number): Promise<Verification> {
  const property = (name: string) => client.execute('qom-get', { path: GUEST, property: name });
  const audit = record(await property('audit'));
  const found = async (name: 'lost' | 'torn' | 'repeated') =>
    Math.max(numberOf(audit[name]), numberOf(await property(name)));
  const devices = await property('device-audit');
  return {
    pages: numberOf(audit.pages),
    lost: await found('lost'),
    torn: await found('torn'),
    repeated: await found('repeated'),
    writtenSince: (await pagesWritten(client)) - writtenBefore,
    deviceAccesses: numberOf(await property('device-accesses')),
    deviceFaults: numberOf(await property('device-faults')),
    devices: (Array.isArray(devices) ? devices : []).map((each) => {
      const device = record(each);
      return {
        qomPath: String(device['qom-path']),
        blocks: numberOf(device.blocks),
        errors: numberOf(device.errors),
        dmaPages: numberOf(device['dma-pages']),
        dmaErrors: numberOf(device['dma-errors']),
      };
    }),
  };
}

function record(value: JsonValue): Readonly<Record<string, JsonValue>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('the guest reports no object');
  return value as Readonly<Record<string, JsonValue>>;
}

function numberOf(value: JsonValue | undefined): number {
  if (typeof value !== 'number' && typeof value !== 'bigint') throw new Error('the guest reports no number');
  return Number(value);
}
