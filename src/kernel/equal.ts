type Fields = Readonly<Record<string, unknown>>;

const hasAll = (a: Fields, b: Fields): boolean => {
  for (const name in a) if (!equal(a[name], b[name])) return false;
  return true;
};

/** Whether two values made of plain objects, arrays, texts, numbers and bigints are the same throughout; an absent field is not undefined. */
export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  return hasAll(a as Fields, b as Fields) && Object.keys(a).length === Object.keys(b).length;
}
