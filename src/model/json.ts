/** Not only bigints: JSON readers round integers over 2^53. */
const decimal = (_key: string, item: unknown): unknown =>
  typeof item === 'bigint' || (Number.isInteger(item) && !Number.isSafeInteger(item))
    ? BigInt(item as bigint | number).toString()
    : item;

/** JSON of a result: bigints (ids, revisions) and counters over 2^53 become decimal text, so that `jq` returns them unchanged. */
export const stringify = (value: unknown): string => JSON.stringify(value, decimal, 2);

/** The same on one line. */
export const stringifyLine = (value: unknown): string => JSON.stringify(value, decimal);
