/** Keys and values are bytes in etcd and text here; bytes that are not UTF-8 become U+FFFD, which no parser accepts. */
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const bytesOf = (text: string): Uint8Array => encoder.encode(text);

export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes);

/** First key after all that begin with `prefix`: its last byte that can be counted up, counted up. All 0xff: no end ("\0" in etcd). */
function endOf(prefix: Uint8Array): Uint8Array {
  const last = prefix.findLastIndex((byte) => byte < 0xff);
  if (last < 0) return new Uint8Array([0]);
  const end = prefix.slice(0, last + 1);
  end[last] = (prefix[last] ?? 0) + 1;
  return end;
}

/** `key` and `rangeEnd` of a request: one key, or all that begin with it (with an empty prefix: all). */
export function keyRange(prefix: string, exact: boolean): { key: Uint8Array; rangeEnd: Uint8Array } {
  const key = bytesOf(prefix);
  if (exact) return { key, rangeEnd: new Uint8Array() };
  return key.length === 0 ? { key: new Uint8Array([0]), rangeEnd: new Uint8Array([0]) } : { key, rangeEnd: endOf(key) };
}
