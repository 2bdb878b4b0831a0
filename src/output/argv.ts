import { FLANNELD_FLAGS, goBoolean, isFlanneldFlag } from '../model/flanneld.ts';

/** A flag of flanneld as Go reads it: one dash or two, a value joined by `=`. `undefined`: it is none. */
function flanneldFlag(
  arg: string,
): { readonly name: keyof typeof FLANNELD_FLAGS; readonly value?: string } | undefined {
  const [, name = '', , value] = /^--?([a-z][a-z0-9_-]*)(=(.*))?$/s.exec(arg) ?? [];
  if (!isFlanneldFlag(name)) return undefined;
  return value === undefined ? { name } : { name, value };
}

/** With two dashes; a boolean's value becomes the flag or its opposite. What Go would not take either is left to oclif to refuse. */
function normalizeFlag(arg: string): string {
  const flag = flanneldFlag(arg);
  if (!flag) return arg;
  const long = arg.startsWith('--') ? arg : `-${arg}`;
  const isOn = FLANNELD_FLAGS[flag.name] === 'boolean' && flag.value !== undefined ? goBoolean(flag.value) : undefined;
  if (isOn === undefined) return long;
  return isOn ? `--${flag.name}` : `--no-${flag.name}`;
}

/** What follows such a flag is its value, whatever it begins with (a password may begin with a dash). */
function awaitsValue(arg: string | undefined): boolean {
  const flag = flanneldFlag(arg ?? '');
  return flag !== undefined && flag.value === undefined && FLANNELD_FLAGS[flag.name] === 'value';
}

/** Which arguments are values of the flag before them. */
function valuesIn(argv: readonly string[]): ReadonlySet<number> {
  const values = new Set<number>();
  for (const [index] of argv.entries()) if (!values.has(index - 1) && awaitsValue(argv[index - 1])) values.add(index);
  return values;
}

/**
 * flanneld's way of writing flags (`-etcd-endpoints=URL`, `-ip-masq=true`, `-v 4`) as oclif reads it. Only for `up`, which takes
 * flanneld's flags; everything after `--`, and every other command, is left as it is.
 */
export function normalizeArgv(argv: readonly string[]): string[] {
  if (argv[0] !== 'up') return [...argv];
  const end = argv.indexOf('--');
  const values = valuesIn(argv);
  return argv.map((arg, index) => ((end >= 0 && index >= end) || values.has(index) ? arg : normalizeFlag(arg)));
}
