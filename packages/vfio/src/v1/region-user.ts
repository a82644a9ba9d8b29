import { VfioError } from '../error.js';
import {
  decodeField,
  encodeField,
  V1_FIELDS,
  V1_INFO_SIZE,
  V1_REGION_SUBTYPE,
  V1_REGION_TYPE,
  type V1FieldName,
} from './layout.js';
import type { MigrationRegion } from './region.js';
import { isV1State, type V1State, v1StateText } from './states.js';
import type { V1Pending } from './vendor-driver.js';

/** Where data is in the region. */
export interface DataWindow {
  readonly offset: number;
  readonly size: number;
}

/** The five actions from the side of user space, with every answer of the driver checked. Errors name the field and its value. */
export class RegionUser {
  readonly #region: MigrationRegion;
  /** Where user space puts data for the driver: the largest mapped area, else all that follows the structure. */
  readonly writeWindow: DataWindow;
  #state: V1State;

  /** @param state the state that the device is known to be in. EINVAL where the region cannot be one for migration. */
  constructor(region: MigrationRegion, state: V1State) {
    checkRegion(region);
    this.#state = state;
    this.#region = region;
    const [largest] = region.mappedAreas.toSorted((a, b) => b.size - a.size);
    this.writeWindow = largest ?? { offset: V1_INFO_SIZE, size: region.size - V1_INFO_SIZE };
  }

  async readField(name: V1FieldName): Promise<number> {
    const bytes = new Uint8Array(V1_FIELDS[name].size);
    await this.#region.read(V1_FIELDS[name].offset, bytes);
    return decodeField(name, bytes);
  }

  async writeField(name: V1FieldName, value: number): Promise<void> {
    await this.#region.write(V1_FIELDS[name].offset, encodeField(name, value));
  }

  /** The state that the device answered last. */
  get state(): V1State {
    return this.#state;
  }

  /** EIO where the device is in another state afterwards. */
  async setState(wanted: V1State): Promise<void> {
    try {
      await this.writeField('device_state', wanted);
    } catch (error) {
      // The refusal is what matters; where the device is now is asked for as far as it answers at all.
      await this.askState().catch(() => {});
      throw error;
    }
    const answer = await this.askState();
    if (answer !== wanted) {
      throw new VfioError(
        'EIO',
        `device_state: asked for ${v1StateText(wanted)}, the device answers ${v1StateText(answer)}`,
      );
    }
  }

  /** EIO for a number that is no state. */
  async askState(): Promise<V1State> {
    const answer = await this.readField('device_state');
    if (!isV1State(answer))
      throw new VfioError('EIO', `device_state: the device answers ${answer}, which is no state`);
    this.#state = answer;
    return answer;
  }

  async pending(thresholdSize: number): Promise<V1Pending> {
    await this.writeField('pending.threshold_size', thresholdSize);
    const precopyOnly = await this.readField('pending.precopy_only');
    const compatible = await this.readField('pending.compatible');
    const postcopyOnly = await this.readField('pending.postcopy_only');
    if (!Number.isSafeInteger(precopyOnly + compatible + postcopyOnly)) {
      throw new VfioError(
        'EOVERFLOW',
        `pending.precopy_only ${precopyOnly}, compatible ${compatible} and postcopy_only ${postcopyOnly} are more than 2^53`,
      );
    }
    return { precopyOnly, compatible, postcopyOnly };
  }

  /** Has the driver fill the data area. EIO where it says that the data is somewhere else. */
  async getBuffer(): Promise<DataWindow> {
    return this.#window(await this.readField('data.offset'), await this.readField('data.size'));
  }

  /** Hands over what was written to the start of {@link writeWindow}. */
  async setBuffer(size: number): Promise<void> {
    await this.writeField('data.offset', this.writeWindow.offset);
    await this.writeField('data.size', size);
  }

  /** Copies data of the region from `offset` on. */
  async readData(offset: number, into: Uint8Array): Promise<void> {
    const mapped = this.#region.map(offset, into.length);
    if (mapped !== undefined) into.set(mapped);
    else await this.#region.read(offset, into);
  }

  async writeData(offset: number, from: Uint8Array): Promise<void> {
    const mapped = this.#region.map(offset, from.length);
    if (mapped !== undefined) mapped.set(from);
    else await this.#region.write(offset, from);
  }

  async requestDirtyPages(startAddress: number, pages: number): Promise<void> {
    await this.writeField('dirty_pfns.start_addr', startAddress);
    await this.writeField('dirty_pfns.total', pages);
  }

  /** The next portion of the bitmap, at most `rest` pages; no bytes: no further page is dirty. */
  async dirtyPortion(rest: number): Promise<{ pages: number; bitmap: Uint8Array }> {
    const pages = await this.readField('dirty_pfns.copied');
    if (pages > rest) {
      throw new VfioError('EIO', `dirty_pfns.copied is ${pages}, but only ${rest} pages were left to report`);
    }
    const bitmap = new Uint8Array(Math.ceil(pages / 8));
    if (pages > 0) {
      const { offset } = this.#window(await this.readField('data.offset'), bitmap.length);
      await this.readData(offset, bitmap);
    }
    return { pages, bitmap };
  }

  #window(offset: number, size: number): DataWindow {
    if (offset < V1_INFO_SIZE || offset + size > this.#region.size) {
      throw new VfioError(
        'EIO',
        `data.offset ${offset} and data.size ${size} are not in the data part [${V1_INFO_SIZE}, ${this.#region.size}) of the region`,
      );
    }
    return { offset, size };
  }
}

function checkRegion(region: MigrationRegion): void {
  if (region.type !== V1_REGION_TYPE || region.subtype !== V1_REGION_SUBTYPE) {
    throw new VfioError(
      'EINVAL',
      `a region of type ${region.type}, subtype ${region.subtype} is not for migration`,
    );
  }
  if (region.size <= V1_INFO_SIZE) {
    throw new VfioError(
      'EINVAL',
      `a migration region of ${region.size} bytes has no room for data after the structure of ${V1_INFO_SIZE}`,
    );
  }
  const areas = region.mappedAreas.toSorted((a, b) => a.offset - b.offset);
  let end = V1_INFO_SIZE;
  let before = 'the structure';
  for (const area of areas) {
    const text = `the mapped area [${area.offset}, +${area.size}]`;
    if (area.size <= 0 || area.offset + area.size > region.size) {
      throw new VfioError('EINVAL', `${text} is not in the region of ${region.size} bytes`);
    }
    if (area.offset < end) throw new VfioError('EINVAL', `${text} overlaps ${before}`);
    end = area.offset + area.size;
    before = text;
  }
}
