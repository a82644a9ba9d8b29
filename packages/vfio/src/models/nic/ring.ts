/** A descriptor of a ring: u64 buffer address, u32 buffer length in bytes, u32 flags, little-endian. */
export const DESCRIPTOR_SIZE = 16;

/** Set by the device when it has sent the buffer, or filled it with `length` bytes. */
export const DESCRIPTOR_DONE = 1;

/** The longest frame, in bytes. */
export const MAX_FRAME = 9216;

/** The longest ring, in descriptors. */
export const MAX_RING = 65536;

/** A buffer in guest memory: its address and length in bytes, and flags such as {@link DESCRIPTOR_DONE}. */
export interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags: number;
}

/** Little-endian: 8 bytes of address, 4 of length, 4 of flags. */
export function decodeDescriptor(bytes: Uint8Array): Descriptor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, DESCRIPTOR_SIZE);
  return {
    address: view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32,
    length: view.getUint32(8, true),
    flags: view.getUint32(12, true),
  };
}

/** The reverse of {@link decodeDescriptor}. */
export function encodeDescriptor({ address, length, flags }: Descriptor): Uint8Array {
  const bytes = new Uint8Array(DESCRIPTOR_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, address % 2 ** 32, true);
  view.setUint32(4, Math.floor(address / 2 ** 32), true);
  view.setUint32(8, length, true);
  view.setUint32(12, flags, true);
  return bytes;
}
