/**
 * The commands as oclif.manifest.json has them, in the shape that the reference pages need, and docs/commands.md, which is one of them
 * (the other: scripts/man.ts). Usage: npm run build; a test fails when the page is stale.
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A flag as the manifest has it. */
export interface Flag {
  readonly name: string;
  readonly type: 'boolean' | 'option';
  readonly description?: string;
  readonly char?: string;
  readonly env?: string;
  readonly default?: unknown;
  readonly options?: readonly string[];
  readonly helpValue?: string;
  readonly helpGroup?: string;
  readonly allowNo?: boolean;
  readonly multiple?: boolean;
  readonly required?: boolean;
  readonly dependsOn?: readonly string[];
  readonly exclusive?: readonly string[];
}

/** What stands behind the command's name. */
export interface Arg {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly options?: readonly string[];
}

/** A line to type, and what it is for where that is said. */
export interface Example {
  readonly about?: string;
  readonly line: string;
}

export interface CommandPage {
  /** With spaces: `docker opts`. */
  readonly id: string;
  /** One sentence. */
  readonly summary: string;
  /** Paragraphs; empty where the summary says it all. */
  readonly description: string;
  readonly args: readonly Arg[];
  readonly flags: readonly Flag[];
  readonly examples: readonly Example[];
  /** Other names it has. */
  readonly aliases: readonly string[];
  /** What may be typed behind it: `docker network create NAME [flags]`. */
  readonly usage: string;
}

interface RawCommand {
  readonly id: string;
  readonly summary?: string;
  readonly description: string;
  readonly usage?: string;
  readonly strict: boolean;
  readonly aliases: readonly string[];
  readonly args: Readonly<Record<string, Arg>>;
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly (string | { readonly description: string; readonly command: string })[];
}

const spaced = (id: string): string => id.replaceAll(':', ' ');
const named = (text: string): string => text.replaceAll('<%= config.bin %>', 'tsflannel');

const exampleOf = (one: RawCommand['examples'][number]): Example =>
  typeof one === 'string' ? { line: named(one) } : { about: one.description, line: named(one.command) };

const argWord = ({ name, required }: Arg): string => (required ? name.toUpperCase() : `[${name.toUpperCase()}]`);

const usageOf = ({ id, usage, args, strict }: RawCommand): string =>
  usage?.replace('[FLAGS]', '[flags]') ??
  [spaced(id), ...Object.values(args).map(argWord), ...(strict ? [] : ['...']), '[flags]'].join(' ');

/** Where there is no summary the first sentence is it. */
function texts({ summary, description }: RawCommand): Pick<CommandPage, 'summary' | 'description'> {
  const text = description.replaceAll('\n', ' ');
  if (summary) return { summary, description: text };
  const first = /^.*?[.)](?=\s|$)/.exec(text)?.[0] ?? text;
  return { summary: first, description: text.slice(first.length).trim() };
}

/** The commands of a manifest, by name. */
export function commandPages(manifest: string): readonly CommandPage[] {
  const { commands } = JSON.parse(manifest) as { readonly commands: Readonly<Record<string, RawCommand>> };
  return Object.values(commands).map((raw) => ({
    id: spaced(raw.id),
    ...texts(raw),
    args: Object.values(raw.args),
    flags: Object.values(raw.flags),
    examples: raw.examples.map(exampleOf),
    aliases: raw.aliases.map(spaced),
    usage: usageOf(raw),
  }));
}

/** Flags under their headings, in the order of the manifest; those of all commands last. */
export function flagGroups({ flags }: CommandPage): readonly (readonly [string, readonly Flag[]])[] {
  const rank = (group: string): number => (group === '' ? 0 : group === 'GLOBAL' ? 2 : 1);
  const groups = Object.groupBy(flags, ({ helpGroup }) => helpGroup ?? '');
  const entries = Object.entries(groups) as [string, Flag[]][];
  return entries.sort(([a], [b]) => rank(a) - rank(b));
}

/** `VALUE` in `--flag=VALUE`. */
export const flagValue = ({ helpValue, options }: Flag): string => helpValue ?? (options ? options.join('|') : 'VALUE');

/** What is to know of a flag beside its description: `default 10; may be given again; environment: TSFLANNEL_X`. */
export function factsOf(flag: Flag): string {
  const { default: value, multiple, required, env, dependsOn, exclusive } = flag;
  const names = (list: readonly string[]): string => list.map((name) => `--${name}`).join(', ');
  return [
    ...(required ? ['required'] : []),
    ...(value === undefined || value === false || flag.type === 'boolean' ? [] : [`default ${String(value)}`]),
    ...(multiple ? ['may be given several times'] : []),
    ...(dependsOn ? [`only with ${names(dependsOn)}`] : []),
    ...(exclusive ? [`not with ${names(exclusive)}`] : []),
    ...(env ? [`environment: ${env}`] : []),
  ].join('; ');
}

/** `-f, --subnet-file` or `--[no-]masq`. */
export const flagName = ({ char, name, allowNo }: Flag): string =>
  `${char ? `-${char}, ` : ''}--${allowNo ? '[no-]' : ''}${name}`;

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');
const flagCell = (flag: Flag): string =>
  cell(`\`${flagName(flag)}${flag.type === 'boolean' ? '' : ` ${flagValue(flag)}`}\``);

function flagRows(page: CommandPage): string[] {
  const rows = flagGroups(page).flatMap(([, flags]) =>
    flags.map((flag) => `| ${flagCell(flag)} | ${cell(flag.description ?? '')} | ${cell(factsOf(flag))} |`),
  );
  return ['', '| flag | what it does | |', '|---|---|---|', ...rows];
}

const argRows = ({ args }: CommandPage): string[] =>
  args.length === 0 ? [] : ['', ...args.map(({ name, description }) => `- \`${name.toUpperCase()}\`: ${description}`)];

const exampleLines = ({ examples }: CommandPage): string[] => [
  '',
  '```sh',
  ...examples.flatMap(({ about, line }) => [...(about ? [`# ${about}`] : []), line]),
  '```',
];

const section = (page: CommandPage): string[] => [
  '',
  `## tsflannel ${page.id}`,
  '',
  page.summary,
  ...(page.description === '' ? [] : ['', page.description]),
  ...(page.aliases.length > 0 ? ['', `Also: ${page.aliases.map((name) => `\`tsflannel ${name}\``).join(', ')}.`] : []),
  '',
  `Usage: \`tsflannel ${page.usage}\``,
  ...argRows(page),
  ...exampleLines(page),
  ...flagRows(page),
];

const anchor = (id: string): string => `[\`${id}\`](#tsflannel-${id.replaceAll(' ', '-')})`;

/** docs/commands.md. */
export const commandsPage = (pages: readonly CommandPage[]): string =>
  [
    '# Commands',
    '',
    'Every command, argument and flag. `tsflannel COMMAND --help` says the same, and so do the man pages (`man tsflannel-status`).',
    'This page is made from `oclif.manifest.json` by `npm run build`.',
    '',
    '| command | |',
    '|---|---|',
    ...pages.map(({ id, summary }) => `| ${anchor(id)} | ${cell(summary)} |`),
    ...pages.flatMap(section),
    '',
  ].join('\n');

/** Where it stands. */
export const COMMANDS_PAGE = join(dirname(dirname(fileURLToPath(import.meta.url))), 'docs', 'commands.md');
