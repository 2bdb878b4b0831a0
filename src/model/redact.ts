/** Secrets taken out of text that leaves this host. What is a secret is known by its form, and by its value where it was given. */

const HIDDEN = '[redacted]';

/** A name that says what its value is, up to the value: `password=`, `"token": `. */
const NAMED = `((?:password|passwd|secret|token|authorization|api[-_]?key)["']?\\s*[=:]\\s*)`;

/** Forms that only secrets have, with what of them may stay. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  // Join tokens.
  [/\btsf1\.[\w-]+/g, HIDDEN],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, `$1${HIDDEN}@`],
  [new RegExp(`${NAMED}"(?:[^"\\\\]|\\\\.)*"`, 'gi'), `$1"${HIDDEN}"`],
  [new RegExp(`${NAMED}'[^']*'`, 'gi'), `$1'${HIDDEN}'`],
  // In JSON, what is no string becomes one.
  [new RegExp(`${NAMED}(?<=["']\\s*[=:]\\s*)(?!true\\b|false\\b|null\\b)[^\\s,;}\\]"'{[]+`, 'gi'), `$1"${HIDDEN}"`],
  [new RegExp(`${NAMED}(?<!["']\\s*[=:]\\s*)(?!\\[redacted)[^\\s,;}\\]"'{[]+`, 'gi'), `$1${HIDDEN}`],
  [/(--etcd-password)(?:=|\s+)\S+/g, `$1 ${HIDDEN}`],
  // The path of a discovery URL is what lets a member into the cluster.
  [/(\/v2\/keys\/discovery\/|discovery\.etcd\.io\/)[\w-]{16,}/g, `$1${HIDDEN}`],
];

/** Shorter ones would take half of the text with them. */
const LEAST = 4;

/** `values`: secrets of this host in full. */
export function redact(text: string, values: readonly string[] = []): string {
  const known = values.filter((value) => value.length >= LEAST).sort((a, b) => b.length - a.length);
  const without = known.reduce((rest, value) => rest.replaceAll(value, HIDDEN), text);
  return FORMS.reduce((rest, [form, instead]) => rest.replace(form, instead), without);
}
