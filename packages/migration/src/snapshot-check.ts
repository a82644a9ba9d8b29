import { checkConfiguration, decodeConfiguration, describeConfiguration } from './configuration.js';
import { StreamError } from './errors.js';
import { SectionLoader } from './incoming/sections.js';
import type { Channel, MachinePort } from './ports.js';
import type { SnapshotOptions } from './snapshot.js';
import { StreamReader } from './stream/reader.js';
import { RUN_BYTES, recordTypes } from './stream/records.js';

const SKIPPED_AT_ONCE = 1 << 20;

/**
 * Reads a snapshot through without loading any of it, and closes the channel: whether it is one of such a machine, whole,
 * and undamaged but for the contents of pages, which only loading checks. Rejects when it is not.
 */
export async function checkSnapshot(
  { machine, pageDigests }: Pick<SnapshotOptions, 'machine' | 'pageDigests'>,
  channel: Channel,
): Promise<void> {
  const reader = new StreamReader(channel, 'source');
  const scratch = new Uint8Array(SKIPPED_AT_ONCE);
  const sections = namesOnly(machine);
  try {
    await reader.begin();
    const first = await reader.next();
    if (first?.type !== recordTypes.CONFIGURATION) throw new StreamError('not a snapshot');
    const configuration = decodeConfiguration(first.payload);
    checkConfiguration(
      configuration,
      describeConfiguration(machine, pageDigests.name, { switchoverAck: configuration.switchoverAck }),
    );
    for (;;) {
      const before = reader.records;
      const record = await reader.next();
      if (record === undefined) throw new StreamError('the snapshot is cut short');
      if (record.type === recordTypes.SECTION) sections.load(record);
      if (record.type === recordTypes.RAM_PAGES) {
        for (let left = pagesOf(record.payload) * machine.ram.pageSize; left > 0; left -= scratch.length) {
          await reader.readPages(scratch.subarray(0, Math.min(left, scratch.length)), record.type);
        }
      }
      if (record.type !== recordTypes.END) continue;
      const records = record.payload.readUInt32BE(0);
      if (records !== before) throw new StreamError(`${before} of ${records} records are left`);
      sections.checkComplete();
      return;
    }
  } finally {
    channel.close();
  }
}

/** Sections that only look at the names and versions of what they are to load. */
function namesOnly(machine: MachinePort): SectionLoader {
  return new SectionLoader(
    machine.sections().map((section) => ({
      name: section.name,
      version: section.version,
      save: () => section.save(),
      load: () => {},
    })),
  );
}

function pagesOf(payload: Buffer): number {
  let pages = 0;
  for (let at = 0; at + RUN_BYTES <= payload.length; at += RUN_BYTES) pages += payload.readUInt32BE(at + 4);
  return pages;
}
