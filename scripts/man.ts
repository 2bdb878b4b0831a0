/**
 * man/: a page of section 1 for the program and for each command, made from oclif.manifest.json by `npm run build`, as dist/ is.
 * roff takes a dash for a hyphen, a backslash for its own and a line that begins with a dot for a request: all text is escaped.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXITS } from '../src/model/exits.ts';
import { type CommandPage, commandPages, type Flag, factsOf, flagGroups, flagValue } from './reference.ts';

/** What roff would read as something else, and non-ASCII, which not every roff takes. */
const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\e',
  '-': '\\-',
  "'": '\\(aq',
  '`': '\\(ga',
  '^': '\\(ha',
  '~': '\\(ti',
  '"': '\\(dq',
};

const character = (one: string): string =>
  SPECIAL[one] ?? `\\[u${(one.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`;

/** Text that roff prints as it stands; newlines become spaces, a dot at the beginning is no request. */
export const roff = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\'`^~"-]|[^\x00-\x7f]/gu, character)
    .replace(/^\./, '\\&.');

const bold = (text: string): string => `\\fB${roff(text)}\\fR`;
const italic = (text: string): string => `\\fI${roff(text)}\\fR`;

/** `docker opts` is `tsflannel-docker-opts`. */
export const pageName = (id: string): string => ['tsflannel', ...id.split(' ')].filter((word) => word !== '').join('-');

const heading = (name: string): string => `.SH "${roff(name)}"`;

const title = (name: string, version: string): string =>
  `.TH "${roff(name.toUpperCase())}" "1" "" "${roff(`tsflannel ${version}`)}" "tsflannel manual"`;

/** NAME, as apropos and whatis read it: no full stop. */
const nameSection = (name: string, summary: string): string[] => [
  heading('NAME'),
  `${roff(name)} \\- ${roff(summary.replace(/\.$/, ''))}`,
];

const item = (head: string, text: string): string[] => ['.TP', head, roff(text) || '\\&'];

function flagHead(flag: Flag): string {
  const value = flag.type === 'boolean' ? '' : `=${italic(flagValue(flag))}`;
  const names = [
    ...(flag.char ? [bold(`-${flag.char}`)] : []),
    `${bold(`--${flag.name}`)}${value}`,
    ...(flag.allowNo ? [bold(`--no-${flag.name}`)] : []),
  ];
  return names.join(', ');
}

function flagItem(flag: Flag): string[] {
  const facts = factsOf(flag);
  return item(flagHead(flag), [flag.description ?? '', ...(facts ? [`(${facts})`] : [])].join(' '));
}

const groupName = (group: string): string => (group === '' ? 'OPTIONS' : `${group} OPTIONS`);

/** Lines as typed, `\&` before what could be a request. */
const literal = (lines: readonly string[]): string[] => ['.nf', '.RS 4', ...lines.map(roff), '.RE', '.fi'];

const examples = (page: CommandPage): string[] => [
  heading('EXAMPLES'),
  ...page.examples.flatMap(({ about, line }) => ['.PP', ...(about ? [`${roff(about)}:`] : []), ...literal([line])]),
];

const seeAlso = (ids: readonly string[]): string[] => [
  heading('SEE ALSO'),
  ids.map((id) => `\\fB${roff(pageName(id))}\\fR(1)`).join(',\n'),
];

/** Those of the same topic, and the program itself. */
function related(page: CommandPage, pages: readonly CommandPage[]): string[] {
  const topic = page.id.split(' ')[0];
  return ['', ...pages.map(({ id }) => id).filter((id) => id !== page.id && id.split(' ')[0] === topic)];
}

/** The page of a command. */
export const commandMan = (page: CommandPage, pages: readonly CommandPage[], version: string): string =>
  [
    title(pageName(page.id), version),
    ...nameSection(pageName(page.id), page.summary),
    heading('SYNOPSIS'),
    `${bold(`tsflannel ${page.id}`)} ${roff(page.usage.slice(page.id.length).trim())}`,
    ...[page.id, ...page.aliases].slice(1).flatMap((name) => ['.br', bold(`tsflannel ${name}`)]),
    heading('DESCRIPTION'),
    roff(page.description || page.summary),
    ...(page.args.length > 0 ? [heading('ARGUMENTS')] : []),
    ...page.args.flatMap(({ name, description }) => item(italic(name.toUpperCase()), description ?? '')),
    ...flagGroups(page).flatMap(([group, flags]) => [heading(groupName(group)), ...flags.flatMap(flagItem)]),
    ...examples(page),
    heading('EXIT STATUS'),
    `0 when it is done; the others stand in \\fBtsflannel\\fR(1).`,
    ...seeAlso(related(page, pages)),
    '',
  ].join('\n');

const ABOUT =
  'One flat network for the containers of many Docker hosts: it bootstraps etcd, leases each host a subnet, carries packets between hosts, gives Docker its options, and shows all of it.';
const JSON_ABOUT =
  'Every command has --json: one document on standard output, which tsflannel schema describes. Progress and warnings go to standard error.';

const commandItem = ({ id, summary }: CommandPage): string[] => item(`\\fB${roff(pageName(id))}\\fR(1)`, summary);

/** The page of the program. */
export const programMan = (pages: readonly CommandPage[], version: string): string =>
  [
    title('tsflannel', version),
    ...nameSection('tsflannel', 'one flat network for the containers of many Docker hosts'),
    heading('SYNOPSIS'),
    `${bold('tsflannel')} ${italic('COMMAND')} [flags]`,
    heading('DESCRIPTION'),
    roff(ABOUT),
    '.PP',
    roff(JSON_ABOUT),
    heading('COMMANDS'),
    ...pages.flatMap(commandItem),
    heading('EXIT STATUS'),
    ...Object.entries(EXITS).flatMap(([exit, meaning]) => item(bold(exit), meaning)),
    '',
  ].join('\n');

const manRoot = join(dirname(dirname(fileURLToPath(import.meta.url))), 'man');

/** All pages: file name and text. */
export function manPages(manifest: string): readonly (readonly [file: string, text: string])[] {
  const { version } = JSON.parse(manifest) as { readonly version: string };
  const pages = commandPages(manifest);
  return [
    ['tsflannel.1', programMan(pages, version)],
    ...pages.map((page) => [`${pageName(page.id)}.1`, commandMan(page, pages, version)] as const),
  ];
}

/** Writes them; those of commands that are no more go. */
export function writeManPages(manifest: string): void {
  rmSync(manRoot, { recursive: true, force: true });
  mkdirSync(manRoot);
  for (const [file, text] of manPages(manifest)) writeFileSync(join(manRoot, file), text);
}
