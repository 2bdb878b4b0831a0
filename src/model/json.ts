/** JSON of a result: bigints (ids, revisions, byte counts over 2^53) become decimal text, so that `jq` returns them unchanged. */
export const stringify = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? item.toString() : item), 2);
