import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type JsonValue, parse } from '@godwit/json';
import type { TimedEvent } from '@godwit/timeline';

/** A line that is longer holds no event that counts here. */
const MAX_LINE = 64 * 1024;

/**
 * The events of a log, one JSON object a line, in whatever is around them: what `godwit qmp` prints, what a program has written
 * of a monitor. Other lines are passed over.
 */
export async function* readEventLog(path: string): AsyncIterable<TimedEvent> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) {
    const event = line.length <= MAX_LINE ? eventOf(line) : undefined;
    if (event !== undefined) yield event;
  }
}

function eventOf(line: string): TimedEvent | undefined {
  const start = line.indexOf('{');
  const end = line.lastIndexOf('}');
  if (start < 0 || end < start || !line.includes('"event"')) return undefined;
  let value: JsonValue;
  try {
    value = parse(line.slice(start, end + 1));
  } catch {
    return undefined;
  }
  if (!isObject(value) || typeof value.event !== 'string' || !isObject(value.timestamp)) return undefined;
  const { seconds, microseconds } = value.timestamp;
  if (!isCount(seconds) || !isCount(microseconds)) return undefined;
  return { event: value.event, data: value.data, timestamp: { seconds, microseconds } };
}

function isObject(value: JsonValue | undefined): value is { [name: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: JsonValue | undefined): value is number | bigint {
  return typeof value === 'number' || typeof value === 'bigint';
}
