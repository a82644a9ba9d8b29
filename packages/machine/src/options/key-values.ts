/** One `key=value` of an option's argument; a key that stands alone is a switch. */
export interface KeyValue {
  readonly key: string;
  readonly value: string | undefined;
}

/**
 * Splits `a=1,b=x,,y,c` into its pairs. In a value, `,,` stands for a comma. Where the first part has no `=`, it is the
 * value of `impliedKey`, if there is one.
 */
export function splitKeyValues(text: string, impliedKey?: string): KeyValue[] {
  const pairs: KeyValue[] = [];
  let at = 0;
  while (at < text.length) {
    const key = /^[^=,]*/.exec(text.slice(at))![0];
    const afterKey = at + key.length;
    const hasValue = text[afterKey] === '=';
    if (hasValue) {
      const [value, next] = readValue(text, afterKey + 1);
      pairs.push({ key, value });
      at = next;
    } else if (pairs.length === 0 && impliedKey !== undefined) {
      const [value, next] = readValue(text, at);
      pairs.push({ key: impliedKey, value });
      at = next;
    } else {
      pairs.push({ key, value: undefined });
      at = afterKey + 1;
    }
  }
  return pairs;
}

/** The value that starts at `start`, and where the next pair does. */
function readValue(text: string, start: number): [string, number] {
  let value = '';
  let at = start;
  while (at < text.length) {
    if (text[at] !== ',') value += text[at++];
    else if (text[at + 1] === ',') {
      value += ',';
      at += 2;
    } else break;
  }
  return [value, at + 1];
}
