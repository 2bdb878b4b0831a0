/** One option on dockerd's command line; it stands in `count` arguments from `at` on. */
export interface DockerdFlag {
  /** Long name without dashes. */
  readonly name: string;
  /** `undefined` for a bare boolean (`--live-restore`). */
  readonly value: string | undefined;
  readonly at: number;
  readonly count: number;
}

/** dockerd's one-letter options that take a value; the others (D, v, h) are booleans. */
const SHORT: Readonly<Record<string, string>> = {
  b: 'bridge',
  G: 'group',
  g: 'graph',
  H: 'host',
  l: 'log-level',
  p: 'pidfile',
  s: 'storage-driver',
};

/** dockerd takes no arguments but options: what follows an option and is not one itself is its value. */
const valueAt = (argv: readonly string[], at: number): string | undefined => {
  const next = argv[at];
  return next === undefined || next.startsWith('-') ? undefined : next;
};

function long(argv: readonly string[], at: number): DockerdFlag {
  const text = (argv[at] ?? '').slice(2);
  const equals = text.indexOf('=');
  if (equals >= 0) return { name: text.slice(0, equals), value: text.slice(equals + 1), at, count: 1 };
  const value = valueAt(argv, at + 1);
  return { name: text, value, at, count: value === undefined ? 1 : 2 };
}

/** `-DH unix://x`, `-Hunix://x`, `-H=unix://x`: letters up to the first that takes a value. */
function short(argv: readonly string[], at: number): DockerdFlag | undefined {
  const text = (argv[at] ?? '').slice(1);
  const position = [...text].findIndex((letter) => SHORT[letter] !== undefined);
  if (position < 0) return undefined;
  const name = SHORT[text.charAt(position)] ?? '';
  const rest = text.slice(position + 1).replace(/^=/, '');
  if (rest !== '') return { name, value: rest, at, count: 1 };
  return { name, value: argv[at + 1], at, count: 2 };
}

/** The options on dockerd's command line (`argv[0]` is the program). */
export function parseFlags(argv: readonly string[]): DockerdFlag[] {
  const found: DockerdFlag[] = [];
  for (let at = 1; at < argv.length; at++) {
    const argument = argv[at] ?? '';
    if (argument === '--') break;
    const flag = argument.startsWith('--') ? long(argv, at) : argument.startsWith('-') ? short(argv, at) : undefined;
    if (!flag) continue;
    found.push(flag);
    at = flag.at + flag.count - 1;
  }
  return found;
}

/** All values given for this option, in order; a bare boolean counts as `true`. */
export const flagValues = (argv: readonly string[], name: string): string[] =>
  parseFlags(argv).flatMap((flag) => (flag.name === name ? [flag.value ?? 'true'] : []));

/** The value that counts: the last one. `undefined` when the option is not given. */
export const flagValue = (argv: readonly string[], name: string): string | undefined => flagValues(argv, name).at(-1);

/**
 * The command line with this option given once (where it stood first, else at the end), or with `undefined` not at all. Letters in one
 * word with its short form (`-DH …`) go with it; bip, mtu and ip-masq have none.
 */
export function setFlag(argv: readonly string[], name: string, value: string | undefined): string[] {
  const given = parseFlags(argv).filter((flag) => flag.name === name);
  const rewritten = value === undefined ? [] : [`--${name}=${value}`];
  const first = given[0];
  if (!first) return [...argv, ...rewritten];
  const places = new Set(given.flatMap(({ at, count }) => Array.from({ length: count }, (_, i) => at + i)));
  return argv.flatMap((argument, at) => [...(at === first.at ? rewritten : []), ...(places.has(at) ? [] : [argument])]);
}
