/**
 * The format of a migration stream, version 2. Both directions begin with the 8-byte magic and a 32-bit version; then
 * come records. All integers are big-endian.
 *
 * A record is a header of 16 bytes, its payload, and for RAM_PAGES the pages themselves:
 *
 * | offset | size | field                                                       |
 * | ------ | ---- | ----------------------------------------------------------- |
 * | 0      | 2    | type, from {@link recordTypes}                              |
 * | 2      | 2    | subject: number of the device in CONFIGURATION, otherwise 0 |
 * | 4      | 4    | length of the payload in bytes                              |
 * | 8      | 4    | CRC-32 of the payload                                       |
 * | 12     | 4    | CRC-32 of the first 12 bytes                                |
 */
export const STREAM_MAGIC = 'GODWITMG';
export const STREAM_VERSION = 2;
export const PREAMBLE_BYTES = 12;
export const RECORD_HEADER_BYTES = 16;

/** Device data goes in blocks of at most this many bytes; larger ones gained nothing where it was measured. */
export const MAX_DEVICE_BLOCK = 1 << 20;
/** Pages that may follow one RAM_PAGES record, in bytes. */
export const MAX_PAGES_BYTES = 16 << 20;
/** Runs of pages in one RAM_PAGES or RAM_ZERO record; a run is two 32-bit numbers, its first page and its length. */
const MAX_RUNS = 4096;
export const RUN_BYTES = 8;
/** Bytes of RAM that one number of RAM_DIGESTS stands for. */
export const DIGEST_GROUP_BYTES = 2 << 20;

/** As many additional channels as QEMU allows. */
export const MAX_MULTIFD_CHANNELS = 255;

export interface RecordType {
  readonly name: string;
  readonly type: number;
  readonly from: 'source' | 'destination';
  /** Bounds of the payload's length, in bytes. */
  readonly minPayload: number;
  readonly maxPayload: number;
}

function record<Type extends number>(
  type: Type,
  name: string,
  from: RecordType['from'],
  minPayload: number,
  maxPayload: number,
) {
  return { type, name, from, minPayload, maxPayload } as const;
}

/**
 * Every record there is.
 *
 * - CONFIGURATION: JSON, see configuration.ts. The first record.
 * - RAM_ZERO, RAM_PAGES: runs of pages; the pages of RAM_PAGES follow the payload, without a CRC (see RAM_DIGESTS).
 * - RAM_COPY: runs of pages as of RAM_PAGES, which the destination copies out of the source's memory (after RAM_MAPPED).
 * - RAM_ROUND: 32-bit number of the pre-copy round that ended.
 * - DEVICE_DATA: the next bytes of the device's stream. DEVICE_INITIAL_SENT: its initial bytes are all sent.
 *   DEVICE_RESTART: forget what came for this device, it starts over. DEVICE_END: its stream is complete.
 * - CHANNEL: the first record of an additional channel (multifd): the migration's id, 16 bytes, and the channel's 32-bit
 *   number. RAM_ZERO, RAM_PAGES and DEVICE_BLOCK go over any of these then, and everything else over the main channel.
 * - SYNC: its 32-bit number, from 1; on every channel. What follows it is taken up when all channels have come to it.
 * - DEVICE_BLOCK: DEVICE_DATA that may overtake: the block's 32-bit number, from 0, and the bytes. DEVICE_END then has
 *   their 32-bit count.
 * - SECTION: 16-bit length and name, 32-bit version, state.
 * - RAM_DIGESTS: 32-bit number of the first 2 MiB group, then a 32-bit digest for each group.
 * - END: 32-bit count of the records before it, then the source's run state. The guest is stopped.
 * - GO: the source has given the guest up.
 * - ACCEPTED: the configuration fits and the devices are RESUMING. With 32-bit numbers where the destination will keep
 *   what it has when the connection breaks: how many RAM_ZERO and RAM_PAGES records have arrived whole since the migration
 *   began, over the main channel and then over each additional one. SWITCHOVER_ACK: every pre-copy device has its initial
 *   bytes; 32-bit count of the DEVICE_INITIAL_SENT records so far, so that a late one does not count for a new start. LOADED: all is loaded and checked. FAILED: the reason; nothing follows.
 * - RAM_MAPPED: before ACCEPTED; the descriptor that came with CONFIGURATION is mapped, and pages are to come as RAM_COPY.
 *   RAM_COPIED: 32-bit count of the RAM_COPY records that are done.
 */
export const recordTypes = {
  CONFIGURATION: record(1, 'CONFIGURATION', 'source', 2, 1 << 20),
  RAM_ZERO: record(2, 'RAM_ZERO', 'source', RUN_BYTES, MAX_RUNS * RUN_BYTES),
  RAM_PAGES: record(3, 'RAM_PAGES', 'source', RUN_BYTES, MAX_RUNS * RUN_BYTES),
  RAM_ROUND: record(4, 'RAM_ROUND', 'source', 4, 4),
  DEVICE_DATA: record(5, 'DEVICE_DATA', 'source', 1, MAX_DEVICE_BLOCK),
  DEVICE_INITIAL_SENT: record(6, 'DEVICE_INITIAL_SENT', 'source', 0, 0),
  DEVICE_RESTART: record(7, 'DEVICE_RESTART', 'source', 0, 0),
  DEVICE_END: record(8, 'DEVICE_END', 'source', 0, 4),
  SECTION: record(9, 'SECTION', 'source', 6, 16 << 20),
  RAM_DIGESTS: record(10, 'RAM_DIGESTS', 'source', 8, 1 << 20),
  END: record(11, 'END', 'source', 5, 64),
  GO: record(12, 'GO', 'source', 0, 0),
  CHANNEL: record(13, 'CHANNEL', 'source', 20, 20),
  SYNC: record(14, 'SYNC', 'source', 4, 4),
  DEVICE_BLOCK: record(15, 'DEVICE_BLOCK', 'source', 5, 4 + MAX_DEVICE_BLOCK),
  RAM_COPY: record(16, 'RAM_COPY', 'source', RUN_BYTES, MAX_RUNS * RUN_BYTES),
  ACCEPTED: record(64, 'ACCEPTED', 'destination', 0, 4 * (1 + MAX_MULTIFD_CHANNELS)),
  SWITCHOVER_ACK: record(65, 'SWITCHOVER_ACK', 'destination', 4, 4),
  LOADED: record(66, 'LOADED', 'destination', 0, 0),
  FAILED: record(67, 'FAILED', 'destination', 0, 4096),
  RAM_MAPPED: record(68, 'RAM_MAPPED', 'destination', 0, 0),
  RAM_COPIED: record(69, 'RAM_COPIED', 'destination', 4, 4),
} as const;

export type StreamRecordType = (typeof recordTypes)[keyof typeof recordTypes];

const byNumber = new Map<number, StreamRecordType>(
  Object.values(recordTypes).map((type) => [type.type, type]),
);

export function recordTypeOf(type: number): StreamRecordType | undefined {
  return byNumber.get(type);
}
