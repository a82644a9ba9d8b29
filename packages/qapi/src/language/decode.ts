const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a schema file, with every line ending as a newline. Throws an `Error` unless it is UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new Error(`byte ${firstInvalidByte(bytes)} is not UTF-8`);
  }
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}

/** The offset of the first byte that does not belong to a well-formed sequence. */
function firstInvalidByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  const lossless = (end: number): boolean => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (lossless(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
