/** Why a value from outside was refused; `where` names the key or field, `detail` says what was seen (already made printable). */
export interface Rejection {
  readonly code: string;
  readonly where: string;
  readonly detail: string;
}

/** A value, or the reason there is none. Nothing throws on bad input: doctor and status show the rejections. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly rejection: Rejection };

/** Wraps a value. */
export const accept = <T>(value: T): Parsed<T> => ({ ok: true, value });

/** Wraps a refusal. */
export const reject = (
  code: string,
  where: string,
  detail: string,
): { readonly ok: false; readonly rejection: Rejection } => ({
  ok: false,
  rejection: { code, where: printable(where), detail: printable(detail) },
});

/** Text from outside made safe to print: one line, no control characters, at most 200 characters. */
export function printable(text: string): string {
  const clean = Array.from(text.slice(0, 400), (c) => (/[\p{C}\p{Zl}\p{Zp}]/u.test(c) ? '?' : c)).join('');
  return clean.length > 200 ? `${clean.slice(0, 199)}…` : clean;
}

/** A JSON value as a message may show it. Objects are never converted: one may bring a `toString` that is no function. */
export function shown(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  return value === undefined ? 'nothing' : String(value);
}

const MAX_DEPTH = 32;

const [QUOTE, BACKSLASH, BRACE, BRACE_END, BRACKET, BRACKET_END, COMMA] = Array.from('"\\{}[],', (c) =>
  c.charCodeAt(0),
);

/**
 * Why JSON text is not to be parsed at all: it nests deeper than anything we read (what walks such a value recursively would run out of
 * stack), or has more members and elements than we want to spend the time on.
 */
function excess(text: string, maxItems: number): readonly [code: string, detail: string] | undefined {
  let depth = 0;
  let items = 1;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (inString) {
      if (c === BACKSLASH) i++;
      else if (c === QUOTE) inString = false;
    } else if (c === QUOTE) inString = true;
    else if (c === COMMA) items++;
    else if (c === BRACE || c === BRACKET) depth++;
    else if (c === BRACE_END || c === BRACKET_END) depth--;
    if (depth > MAX_DEPTH) return ['TOO_DEEP', `nested deeper than ${MAX_DEPTH}`];
    if (items > maxItems) return ['TOO_LARGE', `more than ${maxItems} values`];
  }
  return undefined;
}

/** Text within `maxBytes`, with at most `maxItems` members and elements in all, as a JSON object, own keys only. */
export function parseJsonObject(
  text: string,
  where: string,
  maxBytes = 65_536,
  maxItems = Number.POSITIVE_INFINITY,
): Parsed<Readonly<Record<string, unknown>>> {
  if (text.length > maxBytes) return reject('TOO_LARGE', where, `${text.length} bytes`);
  const tooMuch = excess(text, maxItems);
  if (tooMuch) return reject(tooMuch[0], where, tooMuch[1]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return reject('NOT_JSON', where, text);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return reject('NOT_AN_OBJECT', where, text);
  return accept(value as Record<string, unknown>);
}

/** Keys of an object by their lower case, the first of each: made once, since an object with thousands of keys is looked into many times. */
const folded = new WeakMap<object, ReadonlyMap<string, string>>();

function foldedKeys(object: Readonly<Record<string, unknown>>): ReadonlyMap<string, string> {
  const known = folded.get(object);
  if (known) return known;
  const keys = new Map(
    Object.keys(object)
      .reverse()
      .map((key) => [key.toLowerCase(), key]),
  );
  folded.set(object, keys);
  return keys;
}

/**
 * Reads an own property; an inherited one (`__proto__`) is never seen. The exact name wins, else the first that differs in case only:
 * flannel's decoder (Go's encoding/json) folds case, and configs in use rely on it.
 */
export function field(object: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const key = foldedKeys(object).get(name.toLowerCase());
  return key === undefined ? undefined : object[key];
}

/** A whole number within [min, max], given as a JSON number. */
export const wholeNumber = (value: unknown, min: number, max: number): number | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max ? value : undefined;
