/** JSON-shaped data as block YAML 1.2, which YAML 1.1 reads the same: every string that could be something else there is quoted. */

type Value = unknown;

const PLAIN = /^[A-Za-z][A-Za-z0-9_./-]*$/;
/** What some YAML takes for a boolean or null. */
const RESERVED = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

/** JSON's strings are YAML's, but for what YAML calls not printable. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function scalar(value: Value): string {
  if (typeof value === 'string') return PLAIN.test(value) && !RESERVED.test(value) ? value : quoted(value);
  return JSON.stringify(value);
}

/** Lines of a list or object that is not empty; `undefined` for all else. */
function block(value: Value): string[] | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const lines = Array.isArray(value)
    ? value.flatMap((item) => {
        const [first = '', ...rest] = block(item) ?? [inline(item)];
        return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
      })
    : Object.entries(value).flatMap(([key, item]) => {
        const below = block(item);
        return below ? [`${scalar(key)}:`, ...below.map((line) => `  ${line}`)] : [`${scalar(key)}: ${inline(item)}`];
      });
  return lines.length > 0 ? lines : undefined;
}

const inline = (value: Value): string =>
  typeof value === 'object' && value !== null ? (Array.isArray(value) ? '[]' : '{}') : scalar(value);

/** `value` is what JSON.parse gives: no undefined, no bigint. */
export const yaml = (value: Value): string => (block(value) ?? [inline(value)]).join('\n');
