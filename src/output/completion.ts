/** What can follow on the command line, and the scripts that tell it to a shell. Made from what oclif knows of the commands. */
export interface CompletedCommand {
  /** `etcd member remove`. */
  readonly id: string;
  readonly flags: readonly Named[];
  readonly args: readonly Named[];
}

/** A flag or an argument, and the words it may be. */
export interface Named {
  readonly name: string;
  readonly options?: readonly string[];
}

/** What is asked of the cluster at the moment of the key press. */
export const LIVE_VALUES = ['subnets', 'nodes', 'members'] as const;
export type LiveValues = (typeof LIVE_VALUES)[number];

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** Arguments and flags that take what lives in the cluster. */
const LIVE: Readonly<Record<string, LiveValues>> = {
  'leases release subnet': 'subnets',
  'leases reserve --node': 'nodes',
  'ping to': 'nodes',
  'etcd member promote member': 'members',
  'etcd member remove member': 'members',
  'etcd member replace member': 'members',
  'etcd defrag --member': 'members',
};

/** Only these letters go back to a shell: a name in etcd is written by others. */
export const isPlain = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$/.test(text);

interface Place {
  readonly id: string;
  readonly words: readonly string[];
  readonly flags: readonly string[];
  readonly live?: LiveValues;
}

const topicsOf = (commands: readonly CompletedCommand[]): readonly string[] => [
  ...new Set(
    commands.flatMap(({ id }) => {
      const words = id.split(' ');
      return words.map((_, index) => words.slice(0, index).join(' '));
    }),
  ),
];

/** Each command and topic with what can follow it. */
function placesOf(commands: readonly CompletedCommand[]): readonly Place[] {
  const ids = [...new Set([...topicsOf(commands), ...commands.map(({ id }) => id)])].sort();
  return ids.map((id) => {
    const depth = id === '' ? 0 : id.split(' ').length;
    const below = commands.filter((one) => id === '' || one.id.startsWith(`${id} `));
    const next = [...new Set(below.map((one) => one.id.split(' ')[depth] ?? ''))].sort();
    const own = commands.find((one) => one.id === id);
    const flags = own ? own.flags.map(({ name }) => `--${name}`) : [];
    const live = own?.args.map(({ name }) => LIVE[`${id} ${name}`]).find((values) => values !== undefined);
    const given = own?.args.flatMap(({ options = [] }) => options) ?? [];
    return { id, words: [...next, ...given], flags: [...flags, '--help'], ...(live && { live }) };
  });
}

/** Values of flags: words, or live ones. */
const flagValues = (commands: readonly CompletedCommand[]) =>
  commands.flatMap(({ id, flags }) =>
    flags.flatMap(({ name, options = [] }) => {
      const live = LIVE[`${id} --${name}`];
      return options.length > 0 || live ? [{ at: `${id} --${name}`, id, name, words: options, live }] : [];
    }),
  );

const quoted = (text: string): string => `'${text}'`;

function bash(bin: string, commands: readonly CompletedCommand[]): string {
  const row = ({ words, flags, live }: Partial<Place>, at: string) =>
    `    ${quoted(at)}) words=${quoted((words ?? []).join(' '))};${flags ? ` flags=${quoted(flags.join(' '))};` : ''}${live ? ` live=${live};` : ''};`;
  const places = placesOf(commands);
  return [
    `_${bin}() {`,
    `  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" id='' next='' words='' flags='' live='' i`,
    '  for ((i = 1; i < COMP_CWORD; i++)); do',
    `    next="\${id:+$id }\${COMP_WORDS[i]}"`,
    '    case "$next" in',
    `      ${places.flatMap(({ id }) => (id === '' ? [] : [quoted(id)])).join('|')}) id="$next" ;;`,
    '    esac',
    '  done',
    '  case "$id $prev" in',
    ...flagValues(commands).map(({ at, words, live }) => row({ words, ...(live && { live }) }, at)),
    '  esac',
    '  [ -n "$words$live" ] || case "$id" in',
    ...places.map((place) => row(place, place.id)),
    '  esac',
    `  case "$cur" in -*) words="$flags" live='' ;; esac`,
    `  [ -z "$live" ] || words="$words $(${bin} completion --values "$live" 2>/dev/null)"`,
    '  COMPREPLY=($(compgen -W "$words" -- "$cur"))',
    '}',
    `complete -o default -F _${bin} ${bin}`,
  ].join('\n');
}

/** zsh reads bash's own form after bashcompinit. */
const zsh = (bin: string, commands: readonly CompletedCommand[]): string =>
  ['autoload -U +X compinit && compinit', 'autoload -U +X bashcompinit && bashcompinit', bash(bin, commands)].join(
    '\n',
  );

function fish(bin: string, commands: readonly CompletedCommand[]): string {
  const places = placesOf(commands);
  const when = (id: string) => `-n ${quoted(`test (__${bin}_id) = "${id}"`)}`;
  const live = (values: LiveValues) => `-a ${quoted(`(${bin} completion --values ${values} 2>/dev/null)`)}`;
  const lines = places.flatMap(({ id, words, flags, live: values }) => [
    `complete -c ${bin} ${when(id)} -a ${quoted(words.join(' '))}`,
    ...(values ? [`complete -c ${bin} ${when(id)} ${live(values)}`] : []),
    ...flags
      .filter((word) => !flagValues(commands).some(({ at }) => at === `${id} ${word}`))
      .map((word) => `complete -c ${bin} ${when(id)} -l ${word.slice(2)}`),
  ]);
  const valued = flagValues(commands).map(({ id, name, words, live: values }) => {
    const given = values ? live(values) : `-a ${quoted(words.join(' '))}`;
    return `complete -c ${bin} ${when(id)} -x -l ${name} ${given}`;
  });
  return [
    `set -g __${bin}_ids ${places.flatMap(({ id }) => (id === '' ? [] : [quoted(id)])).join(' ')}`,
    `function __${bin}_id`,
    "  set -l id ''",
    '  for word in (commandline -opc)[2..-1]',
    '    set -l next (string trim -- "$id $word")',
    `    contains -- $next $__${bin}_ids; and set id $next`,
    '  end',
    '  echo $id',
    'end',
    ...lines,
    ...valued,
  ].join('\n');
}

/** The script for this shell. */
export const completionScript = (shell: Shell, bin: string, commands: readonly CompletedCommand[]): string =>
  ({ bash, zsh, fish })[shell](bin, commands);
