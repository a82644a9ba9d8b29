/** A part of a region that user space maps: accesses to it need no driver. */
export interface MappedArea {
  readonly offset: number;
  readonly size: number;
}

/**
 * The migration region of a device. Reads and writes are the `pread` and `pwrite` of the device's descriptor: they may block, and
 * reject with a {@link VfioError}. Offsets and sizes are bytes.
 */
export interface MigrationRegion {
  readonly type: number;
  readonly subtype: number;
  readonly size: number;
  readonly mappedAreas: readonly MappedArea[];
  read(offset: number, into: Uint8Array): Promise<void>;
  write(offset: number, from: Uint8Array): Promise<void>;
  /** The memory behind `[offset, offset + length)`, where all of it is in one mapped area. */
  map(offset: number, length: number): Uint8Array | undefined;
}
