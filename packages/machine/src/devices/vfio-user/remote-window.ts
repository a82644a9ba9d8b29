import type { Native } from '@godwit/native';
import { VfioError } from '@godwit/vfio/contract';
import type { RegionInformation, VfioUserClient } from '@godwit/vfio-user';
import type { DeviceWindow } from '../vfio-device.js';

/** A larger part of a region than that is reached by messages: it takes more than one view of Node's. */
const MAX_MAPPING = 2 ** 30;
const PAGE_SIZE = 4096;

interface Mapping {
  /** In the region, in bytes. */
  readonly offset: number;
  readonly buffer: ArrayBuffer;
  readonly bytes: Uint8Array;
  faults: number;
}

/** A region of a device of another process: what the server lets us map is reached directly, the rest by messages. */
export class RemoteWindow implements DeviceWindow {
  readonly name: string;
  readonly size: number;
  readonly #native: Native;
  readonly #client: VfioUserClient;
  readonly #region: RegionInformation;
  readonly #mappings: Mapping[] = [];
  readonly #accessed: () => void;

  /** @param accessed called when an access is done */
  constructor(
    native: Native,
    client: VfioUserClient,
    region: RegionInformation,
    accessed: () => void = () => {},
  ) {
    this.name = `bar${region.index}`;
    this.size = region.size;
    this.#native = native;
    this.#client = client;
    this.#region = region;
    this.#accessed = accessed;
    this.#map();
  }

  /** A device that is gone reads as ones. */
  read(offset: number, into: Uint8Array): void | Promise<void> {
    if (this.#client.closed) {
      into.fill(0xff);
      return;
    }
    const mapping = this.#mappingOf(offset, into.length);
    if (mapping === undefined) {
      return this.#client.readRegion(this.#region.index, offset, into).then(this.#accessed);
    }
    const start = offset - mapping.offset;
    into.set(mapping.bytes.subarray(start, start + into.length));
    this.#check(mapping);
  }

  write(offset: number, from: Uint8Array): void | Promise<void> {
    if (this.#client.closed) return;
    const mapping = this.#mappingOf(offset, from.length);
    if (mapping === undefined) {
      return this.#client.writeRegion(this.#region.index, offset, from).then(this.#accessed);
    }
    mapping.bytes.set(from, offset - mapping.offset);
    this.#check(mapping);
  }

  close(): void {
    for (const { buffer } of this.#mappings.splice(0)) this.#native.munmap(buffer);
  }

  #map(): void {
    const { mapping, readable, writable } = this.#region;
    if (mapping === undefined || !readable || !writable) return;
    for (const { offset, size } of mapping.areas) {
      const at = mapping.offset + offset;
      if (size === 0 || size > MAX_MAPPING || at % PAGE_SIZE !== 0) continue;
      let buffer: ArrayBuffer;
      try {
        buffer = this.#native.mmap(mapping.fd, at, size, true);
      } catch {
        // A server need not let us map what it says; the messages are always there.
        continue;
      }
      this.#mappings.push({ offset, buffer, bytes: new Uint8Array(buffer), faults: 0 });
    }
  }

  #mappingOf(offset: number, length: number): Mapping | undefined {
    return this.#mappings.find(
      (mapping) => offset >= mapping.offset && offset + length <= mapping.offset + mapping.bytes.length,
    );
  }

  #check(mapping: Mapping): void {
    const faults = this.#native.mappingFaults(mapping.buffer);
    if (faults === mapping.faults) return;
    mapping.faults = faults;
    throw new VfioError('EFAULT', `the file behind ${this.name} has shrunk`);
  }
}
