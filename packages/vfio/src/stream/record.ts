/**
 * The data stream of the models: records, little-endian, each
 *
 *   u32 type, u32 sequence number, u32 first block, u32 payload length | payload | u32 CRC-32 of all before
 *
 * HELLO first, then BLOCKS as often as needed (a later one replaces), REGISTERS once, END. Nothing follows END.
 * The checksum trails, so that it is taken of the very bytes that went out while the device keeps on writing.
 */
export const RecordType = { HELLO: 1, BLOCKS: 2, REGISTERS: 3, END: 4 } as const;
export type RecordType = (typeof RecordType)[keyof typeof RecordType];

export const RECORD_HEAD_SIZE = 16;
export const RECORD_TRAILER_SIZE = 4;
/** Bytes that a record adds to its payload. */
export const RECORD_OVERHEAD = RECORD_HEAD_SIZE + RECORD_TRAILER_SIZE;

/** Blocks of one BLOCKS record at most: 1 MiB of payload, beyond which blocks gain nothing. */
export const MAX_RECORD_BLOCKS = 256;

/** Raised when a reader of the old form would misread the new one. */
export const STREAM_VERSION = 1;

/** "GODWITDV" */
const MAGIC = new TextEncoder().encode('GODWITDV');
const NAME_SIZE = 16;
export const HELLO_SIZE = MAGIC.length + 4 + NAME_SIZE + 4 + 4;

/** What both ends of a stream must agree on. */
export interface StreamIdentity {
  /** Of the model, at most 16 ASCII characters. */
  readonly model: string;
  readonly blockSize: number;
  readonly blocks: number;
}

export function encodeHello(identity: StreamIdentity): Uint8Array {
  const bytes = new Uint8Array(HELLO_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set(MAGIC);
  view.setUint32(8, STREAM_VERSION, true);
  bytes.set(new TextEncoder().encode(identity.model), 12);
  view.setUint32(28, identity.blockSize, true);
  view.setUint32(32, identity.blocks, true);
  return bytes;
}

/** What is wrong with a HELLO for a device of that identity; undefined when nothing is. */
export function helloMismatch(payload: Uint8Array, identity: StreamIdentity): string | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (MAGIC.some((byte, index) => payload[index] !== byte)) return 'not a device stream (bad magic)';
  const version = view.getUint32(8, true);
  if (version !== STREAM_VERSION) return `version ${version}, but only ${STREAM_VERSION} is understood`;
  const model = new TextDecoder().decode(payload.subarray(12, 28)).replace(/\0+$/, '');
  if (model !== identity.model) return `of a device of model '${model}', but this is a '${identity.model}'`;
  const blockSize = view.getUint32(28, true);
  const blocks = view.getUint32(32, true);
  if (blockSize !== identity.blockSize || blocks !== identity.blocks) {
    return `of a state of ${blocks} blocks of ${blockSize} bytes, but this device has ${identity.blocks} of ${identity.blockSize}`;
  }
  return undefined;
}
