import { decodeField, fieldsAt, V1_FIELDS, V1_INFO_SIZE } from './layout.js';
import type { MigrationRegion } from './region.js';
import { v1StateText } from './states.js';

/** How many bytes of data a line shows. */
const SHOWN_BYTES = 16;

/**
 * The same region, with one line for each access: action, read or write, field, value, bytes. For the writer of a driver to compare:
 *
 *     set state: write device_state = MIGRATION_PRECOPY (3) [03 00 00 00]
 *     buffer: read data.size = 65536 [00 00 01 00 00 00 00 00]
 *     data: map 4096 +65536 [01 00 00 00 00 00 00 00 00 00 00 00 24 00 00 00 ...]
 */
export function tracedRegion(region: MigrationRegion, trace: (line: string) => void): MigrationRegion {
  const attempt = async (access: 'read' | 'write', offset: number, bytes: Uint8Array) => {
    try {
      await region[access](offset, bytes);
    } catch (error) {
      trace(`${lines(access, offset, bytes).join('; ')} failed: ${(error as Error).message}`);
      throw error;
    }
    for (const line of lines(access, offset, bytes)) trace(line);
  };
  return {
    type: region.type,
    subtype: region.subtype,
    size: region.size,
    mappedAreas: region.mappedAreas,
    read: (offset, into) => attempt('read', offset, into),
    write: (offset, from) => attempt('write', offset, from),
    map: (offset, length) => {
      const bytes = region.map(offset, length);
      if (bytes !== undefined) trace(`data: map ${offset} +${length} ${hex(bytes)}`);
      return bytes;
    },
  };
}

function lines(access: 'read' | 'write', offset: number, bytes: Uint8Array): string[] {
  const fields = offset < V1_INFO_SIZE ? fieldsAt(offset, bytes.length) : undefined;
  if (fields === undefined) return [`data: ${access} ${offset} +${bytes.length} ${hex(bytes)}`];
  return fields.map((name) => {
    const field = V1_FIELDS[name];
    const at = field.offset - offset;
    const part = bytes.subarray(at, at + field.size);
    return `${field.action}: ${access} ${name} = ${valueText(name, part)} ${hex(part)}`;
  });
}

function valueText(name: Parameters<typeof decodeField>[0], bytes: Uint8Array): string {
  if (name === 'device_state') return v1StateText(decodeField(name, bytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return view.getBigUint64(0, true).toString();
}

function hex(bytes: Uint8Array): string {
  const shown = [...bytes.subarray(0, SHOWN_BYTES)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `[${shown.join(' ')}${bytes.length > SHOWN_BYTES ? ' ...' : ''}]`;
}
